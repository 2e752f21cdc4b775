"""Pure rules of Prefect's formats, used by the gateway and by the policy."""
