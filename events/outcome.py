"""The outcome of a command: the reply to its sender, and to a repetition of the command."""

from __future__ import annotations

from enum import StrEnum
from typing import Final
from uuid import UUID

from antiphon.events.limit.slots import LimitReference
from antiphon.events.message import Payload
from antiphon.events.state import State


class Status(StrEnum):
    """The kind of answer to a command; the first four are Prefect's `SetStateStatus`."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    WAIT = "WAIT"
    ABORT = "ABORT"
    CREATED = "CREATED"
    #: Nothing was created: the aggregate already exists, as `aggregate_id`.
    EXISTS = "EXISTS"
    UPDATED = "UPDATED"
    DELETED = "DELETED"
    #: The aggregate does not exist; nothing was recorded.
    NOT_FOUND = "NOT_FOUND"
    #: The command contradicts the current state (a taken name, a missing parent); nothing was recorded.
    CONFLICT = "CONFLICT"
    #: The command makes no sense; nothing was recorded.
    INVALID = "INVALID"
    #: The command could not be decided at all, which is a fault of the policy: it was parked (docs/adr/0003).
    PARKED = "PARKED"


_ACCEPTED: Final = frozenset({Status.ACCEPT, Status.CREATED, Status.EXISTS, Status.UPDATED, Status.DELETED})
_REFUSED: Final = frozenset({Status.NOT_FOUND, Status.CONFLICT, Status.INVALID, Status.PARKED})


class Answer(Payload):
    """The answer to one command, before it has a position in the log."""

    status: Status
    #: The created, found or changed aggregate; a create command may find it under another id.
    aggregate_id: str
    #: Prefect's name of the rule that refused, delayed or replaced the transition.
    rule: str | None = None
    reason: str | None = None
    delay_seconds: int | None = None
    #: The state the run is in after the decision; `state_written` tells whether the decision put it there.
    state: State | None = None
    state_written: bool = False
    #: For a request for slots: the limits that it found, or the limits that refused it.
    limits: tuple[LimitReference, ...] = ()
    #: For a refused request: the delay before the next one.
    retry_after_seconds: float | None = None

    # Of the next five exactly one holds.

    @property
    def is_accepted(self) -> bool:
        """Whether things are as the command asked: also if they were before (EXISTS)."""
        return self.status in _ACCEPTED

    @property
    def is_rejected(self) -> bool:
        """Whether a rule rejected the proposed state; with `state_written` it put `state` in its place."""
        return self.status is Status.REJECT

    @property
    def is_waiting(self) -> bool:
        """Whether the command is to be sent again, with a new id, after `delay_seconds`."""
        return self.status is Status.WAIT

    @property
    def is_aborted(self) -> bool:
        """Whether the sender should give up what it is doing with the run."""
        return self.status is Status.ABORT

    @property
    def is_refused(self) -> bool:
        """Whether the command could not be applied at all: NOT_FOUND, CONFLICT, INVALID or PARKED."""
        return self.status in _REFUSED


class Outcome(Answer):
    """The recorded answer to one command.

    `position` is the log position of its last event, or for an answer without an event the
    position of its subject: a read model that has reached it shows the answer.
    """

    command_id: UUID
    position: int

    @classmethod
    def of(cls, answer: Answer, command_id: UUID, position: int) -> Outcome:
        """An answer with its position in the log."""
        values = answer.__dict__ | {"command_id": command_id, "position": position}
        return cls._made(values, answer.model_fields_set | {"command_id", "position"})
