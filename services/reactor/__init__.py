"""The reactor: derives Prefect's events and the queues of background tasks from the log."""
