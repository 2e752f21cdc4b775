"""Artifacts, and the latest artifact of each key."""
