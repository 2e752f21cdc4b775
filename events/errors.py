"""Errors of messages; errors of the log are in events/log/errors.py."""

from __future__ import annotations


class UndecodableError(Exception):
    """A message does not match its subject and headers: park it."""
