"""Shared by the processes that write read models."""
