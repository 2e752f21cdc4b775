"""What is wrong with a message itself; what can go wrong with the log is in events/log/errors.py."""

from __future__ import annotations


class UndecodableError(Exception):
    """A message is not what its subject and headers say: park it."""
