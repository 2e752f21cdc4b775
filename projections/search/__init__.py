"""Searches by a part of a name."""
