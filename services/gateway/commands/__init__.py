"""Commands sent to the policy, and their answers."""
