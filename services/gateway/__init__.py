"""The gateway: Prefect's HTTP and WebSocket API in front of the log and the read models."""
