"""The root of all errors, and those of messages and arguments; errors of the log are in events/log/errors.py."""

from __future__ import annotations


class AntiphonError(Exception):
    """The root of the errors that Antiphon raises to those who use it as a library."""


class UndecodableError(AntiphonError):
    """A message does not match its subject and headers: park it."""


class InvalidArgumentError(AntiphonError, ValueError):
    """An argument that can never be right: a filter for what no event has, an id with blanks in it."""


class NoSuchRunError(AntiphonError, LookupError):
    """The log has no event of this run up to the moment that was asked for."""
