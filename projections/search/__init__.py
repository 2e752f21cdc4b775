"""Indexes of names, tags and states."""
