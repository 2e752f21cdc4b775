"""Observations: reports from clients that are stored without a decision."""
