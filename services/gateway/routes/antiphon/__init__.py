"""Our own API, beside Prefect's: the log as streams, histories and states of any moment; `/antiphon/v1`."""
