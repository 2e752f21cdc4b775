"""Filters as Prefect's API takes them, and the SQL they become."""
