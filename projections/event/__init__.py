"""What was reported to have happened: Prefect's events."""
