"""Requests in the shapes of Prefect's API."""
