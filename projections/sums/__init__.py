"""Sums over runs, and the queries that they answer."""
