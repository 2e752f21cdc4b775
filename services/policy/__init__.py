"""The policy: decides commands against the log and appends what was decided."""
