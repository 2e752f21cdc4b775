"""Prefect's events, as clients and the reactor report them."""
