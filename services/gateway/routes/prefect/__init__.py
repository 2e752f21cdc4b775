"""Prefect's routes, under `/api`."""
