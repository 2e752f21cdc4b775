"""The answer to the sender of a command, from the event that records the decision."""

from __future__ import annotations

from typing import Any, Final

from antiphon.events import transition
from antiphon.events.message import Event
from antiphon.events.outcome import Answer, Status
from antiphon.events.state import State, is_unpersisted
from antiphon.events.subjects import Aggregate

#: By the last word of the event's type; the status of other events is UPDATED.
_STATUSES: Final = {
    "created": Status.CREATED,
    "queue_created": Status.CREATED,
    "deleted": Status.DELETED,
    "queue_deleted": Status.DELETED,
    "recorded": Status.ACCEPT,
}


def answer(aggregate: Aggregate, state: Any, event: Event) -> Answer:
    """The answer to the command that caused `event`, given the aggregate's state after it."""
    if isinstance(event, transition.TransitionDecided):
        return _of_transition(aggregate, state.state, event)
    status = _STATUSES.get(event.TYPE.rpartition(".")[2], Status.UPDATED)
    if isinstance(event, transition.StateWritten):
        return Answer(status=status, aggregate_id=aggregate.id, state=event.state, state_written=True)
    return Answer(status=status, aggregate_id=aggregate.id)


def _of_transition(aggregate: Aggregate, state: State | None, event: transition.TransitionDecided) -> Answer:
    fields: dict[str, Any] = {}
    if isinstance(event, transition.StateWritten):
        # The answer shows a new state exactly as the caller gave it.
        fields = {"state": event.state, "state_written": True}
    elif state is not None:
        fields["state"] = as_read(state)
    if isinstance(event, transition.TransitionRefused):
        fields |= {"rule": event.rule, "reason": event.reason}
    if isinstance(event, transition.Delayed):
        fields["delay_seconds"] = event.delay_seconds
    return Answer(status=event.STATUS, aggregate_id=aggregate.id, **fields)


def as_read(state: State) -> State:
    """A written state as reads return it: without the note that its result was not persisted."""
    if not is_unpersisted(state.data):
        return state
    return state.model_copy(update={"data": None})
