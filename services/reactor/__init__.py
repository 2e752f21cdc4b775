"""The reactor: what follows from the log for others, Prefect's events and the queue of background tasks."""
