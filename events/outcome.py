"""What a command led to, as its sender is told: the reply, and what a repeated command gets again."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from antiphon.events.limit.slots import LimitReference
from antiphon.events.message import Payload
from antiphon.events.state import State


class Status(StrEnum):
    """How a command was answered; the first four are Prefect's `SetStateStatus`."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    WAIT = "WAIT"
    ABORT = "ABORT"
    CREATED = "CREATED"
    #: Nothing was created: it is there already, under `aggregate_id`.
    EXISTS = "EXISTS"
    UPDATED = "UPDATED"
    DELETED = "DELETED"
    #: The aggregate does not exist; nothing was recorded.
    NOT_FOUND = "NOT_FOUND"
    #: The command contradicts what is there (a taken name, a missing parent); nothing was recorded.
    CONFLICT = "CONFLICT"
    #: The command makes no sense; nothing was recorded.
    INVALID = "INVALID"
    #: The command could not be decided at all, which is a fault of the policy: it was put aside (docs/adr/0003).
    PARKED = "PARKED"


class Answer(Payload):
    """How one command was answered, before the answer has a place in the log."""

    status: Status
    #: What was created, found or changed; a create command may find that it exists under another id.
    aggregate_id: str
    #: Prefect's name of the rule that refused, delayed or replaced the transition.
    rule: str | None = None
    reason: str | None = None
    delay_seconds: int | None = None
    #: The state the run is in after the decision; `state_written` tells whether the decision put it there.
    state: State | None = None
    state_written: bool = False
    #: Of a request for slots: the limits that it found, or when it was refused those that refused it.
    limits: tuple[LimitReference, ...] = ()
    #: When it was refused: after how long to ask again.
    retry_after_seconds: float | None = None


class Outcome(Answer):
    """The recorded answer to one command.

    `position` is the log position of its last event, or for an answer without an event the
    position of what it speaks about: a read model that has reached it shows the answer.
    """

    command_id: UUID
    position: int

    @classmethod
    def of(cls, answer: Answer, command_id: UUID, position: int) -> Outcome:
        """An answer in its place in the log."""
        values = answer.__dict__ | {"command_id": command_id, "position": position}
        return cls._made(values, answer.model_fields_set | {"command_id", "position"})
