"""Inputs of flow runs."""
