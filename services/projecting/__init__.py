"""Shared code of the processes that write read models."""
