"""Prefect's filters, and their translation into SQL."""
