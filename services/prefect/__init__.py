"""Pure rules of Prefect's formats, for the gateway and the policy."""
