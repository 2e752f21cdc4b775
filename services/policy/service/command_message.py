"""Commands as they arrive: messages of a queue, or questions whose sender waits."""

from __future__ import annotations

from typing import Protocol

from antiphon.events import codec, subjects
from antiphon.events.errors import UndecodableError
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.service.group import Request


class Letter(Protocol):
    """A message that should hold a command."""

    @property
    def subject(self) -> str:
        """What it was published on."""

    @property
    def reply(self) -> str:
        """The reply subject: of a question its sender's, of a queued command the queue's own."""

    @property
    def headers(self) -> dict[str, str] | None:
        """Its headers."""

    @property
    def data(self) -> bytes:
        """Its body."""


def read(letter: Letter) -> Request:
    """The command in a letter; raises UndecodableError."""
    headers = letter.headers or {}
    try:
        aggregate, verb = subjects.parse(letter.subject)
    except ValueError as error:
        raise UndecodableError(str(error)) from error
    _check_reply_to(letter)
    command = codec.decode_command(aggregate, verb, letter.data)
    _check_id(aggregate)
    return Request(aggregate, command, codec.metadata_of(headers, headers.get(subjects.OCCURRED_AT)))


def is_queued(letter: Letter) -> bool:
    """Whether it comes from the queue; otherwise its sender waits for the answer."""
    return letter.reply.startswith("$JS.ACK.")


def reply_to(letter: Letter) -> str | None:
    """Where the answer goes; None where nobody asked for one, or it must not go there."""
    asked_for = _asked_for(letter)
    return asked_for if asked_for and subjects.is_inbox(asked_for) else None


def wants_events(letter: Letter) -> bool:
    """Whether its sender asked to be told what the command led to."""
    return subjects.WITH_EVENTS in (letter.headers or {})


def _asked_for(letter: Letter) -> str | None:
    if is_queued(letter):
        return (letter.headers or {}).get(subjects.REPLY_TO)
    return letter.reply or None


def _check_id(aggregate: Aggregate) -> None:
    if not subjects.is_uuid(aggregate.id):
        raise UndecodableError(f"{aggregate.id!r} is not a UUID in lower case with hyphens")


def _check_reply_to(letter: Letter) -> None:
    """Who may send commands must not make the policy, which may write everywhere, write elsewhere."""
    if _asked_for(letter) and reply_to(letter) is None:
        raise UndecodableError("an answer cannot be sent to the reply subject")
