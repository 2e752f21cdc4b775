"""Requests in the forms of Prefect's API."""
