"""Concurrency limits and leases."""
