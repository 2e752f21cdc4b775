"""Applies events to the read models."""
