"""What every decider is built from. Pure."""
