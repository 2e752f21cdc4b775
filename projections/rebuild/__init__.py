"""Builds read models in a second schema, while the live ones stay in use."""
