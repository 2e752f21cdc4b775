"""Observations that clients report."""
