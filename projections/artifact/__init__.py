"""Artifacts, and the latest of each key."""
