"""What transitions of flow runs and task runs have in common once they are decided."""

from __future__ import annotations

from typing import Any

from events import transition
from events.outcome import Answer, Status
from events.state import State, is_unpersisted
from events.subjects import Aggregate
from services.policy.orchestration import Transition

#: Keys of a state's data that describe the artifact it becomes; there are no artifacts yet.
_ARTIFACT_KEYS = frozenset({"artifact_key", "artifact_type", "artifact_description"})


def without_artifact_keys(state: State) -> State:
    """The state as it is written: its data without what describes it as an artifact."""
    if not isinstance(state.data, dict) or _ARTIFACT_KEYS.isdisjoint(state.data):
        return state
    return state.model_copy(update={"data": {key: state.data[key] for key in state.data.keys() - _ARTIFACT_KEYS}})


def as_read(state: State) -> State:
    """A written state as it is read again: a note that its result was not persisted is gone."""
    if not is_unpersisted(state.data):
        return state
    return state.model_copy(update={"data": None})


def refusal_fields(t: Transition) -> dict[str, Any]:
    """The fields that every refusal records: which rule, why, and what was proposed."""
    return {"rule": t.rule or "", "reason": t.reason, "proposed": t.requested}


def acceptance_fields(t: Transition) -> dict[str, Any]:
    """The fields that an acceptance records when rules adjusted the proposed state."""
    if not t.adjusted_by:
        return {}
    return {"adjusted_by": tuple(t.adjusted_by), "proposed": t.requested}


def transition_answer(aggregate: Aggregate, state: State | None, event: transition.Decided) -> Answer:
    """What the caller is told of a decided transition, given the run's state after it."""
    if isinstance(event, transition.Accepted):
        return Answer(status=Status.ACCEPT, aggregate_id=aggregate.id, state=event.state, state_written=True)
    status, delay = Status.ABORT, None
    if isinstance(event, transition.Rejected):
        status = Status.REJECT
        if event.state is not None:
            # Just written: shown as it came.
            return _refused(aggregate, event, status, state=event.state, state_written=True)
    elif isinstance(event, transition.Delayed):
        status, delay = Status.WAIT, event.delay_seconds
    left = None if state is None else as_read(state)
    return _refused(aggregate, event, status, state=left, delay_seconds=delay)


def _refused(aggregate: Aggregate, event: transition.Refusal, status: Status, **fields: Any) -> Answer:
    return Answer(status=status, aggregate_id=aggregate.id, rule=event.rule, reason=event.reason, **fields)
