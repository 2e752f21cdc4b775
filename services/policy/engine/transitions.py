"""What transitions of flow runs and task runs have in common once they are decided."""

from __future__ import annotations

from typing import Any, Final

from antiphon.events import transition
from antiphon.events.outcome import Answer, Status
from antiphon.events.state import State, is_unpersisted
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.orchestration import Transition

#: Keys of a state's data that describe the artifact it becomes.
_ARTIFACT_KEYS: Final = {"artifact_key": "key", "artifact_type": "type", "artifact_description": "description"}


def without_artifact_keys(state: State) -> State:
    """The state as it is written: its data without what describes it as an artifact."""
    if not isinstance(state.data, dict) or _ARTIFACT_KEYS.keys().isdisjoint(state.data):
        return state
    return state.model_copy(
        update={"data": {key: value for key, value in state.data.items() if key not in _ARTIFACT_KEYS}}
    )


def artifact_fields(state: State | None) -> dict[str, Any]:
    """What the data of a state says about the artifact it becomes, as the field of an event that records it."""
    data = state.data if state is not None and isinstance(state.data, dict) else {}
    given = {name: text for key, name in _ARTIFACT_KEYS.items() if isinstance(text := data.get(key), str)}
    return {"artifact": transition.ResultArtifact(**given)} if given else {}


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
