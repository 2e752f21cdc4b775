"""What can go wrong with the log.

LogError
 +-- ConflictError         decide again
 +-- DuplicateError        store the messages one by one
 +-- LogUnavailableError   back off, then try again
 +-- TooLargeError         give up: it can never be appended
 +-- NoSuchPositionError   the log does not reach so far
 +-- SubscriptionError     use another name, or the same filter
 +-- LogShortenedError     stop: the log has lost what it had confirmed

LogError is an AntiphonError. A message that cannot be read is antiphon.events.errors.UndecodableError: park it.
"""

from __future__ import annotations

from antiphon.events.errors import AntiphonError


class LogError(AntiphonError):
    """The log could not do what it was asked."""


class ConflictError(LogError):
    """An aggregate has moved on since it was read: read it and decide again."""


class DuplicateError(LogError):
    """One message of a batch is stored already, by its id: nothing of the batch was stored."""


class LogUnavailableError(LogError):
    """The log did not answer; the append may or may not have happened: read before trying again."""


class TooLargeError(LogError):
    """A message is larger than the server takes (its `max_payload`): no further attempt can help."""


class NoSuchPositionError(LogError, ValueError):
    """The log has no event at this position or time yet."""


class SubscriptionError(LogError):
    """A durable subscription was deleted, or has another filter than the one that was asked for."""


class LogShortenedError(LogError):
    """The log ends before a position that it has confirmed: it was lost, exchanged, or restored from an older copy."""
