"""Builds read models beside the live ones."""
