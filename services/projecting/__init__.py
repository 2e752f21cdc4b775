"""Shared code of the processes that read the log and the observations."""
