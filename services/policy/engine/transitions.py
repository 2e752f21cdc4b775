"""The events of decided transitions, common to flow runs and task runs."""

from __future__ import annotations

from typing import Any, Final

from antiphon.events import transition
from antiphon.events.codec import EVENT_TYPES
from antiphon.events.message import Event
from antiphon.events.outcome import Status
from antiphon.events.state import RunProgress, State
from antiphon.services.policy.engine.orchestration import Transition

#: Keys of a state's data that describe the artifact it becomes.
_ARTIFACT_KEYS: Final = {"artifact_key": "key", "artifact_type": "type", "artifact_description": "description"}


def without_artifact_keys(state: State) -> State:
    """The state as it is written: its data without the keys that describe an artifact."""
    if not isinstance(state.data, dict) or _ARTIFACT_KEYS.keys().isdisjoint(state.data):
        return state
    return state.model_copy(
        update={"data": {key: value for key, value in state.data.items() if key not in _ARTIFACT_KEYS}}
    )


def artifact_fields(state: State | None) -> dict[str, Any]:
    """The description of the artifact in a state's data, as a field of the recording event."""
    data = state.data if state is not None and isinstance(state.data, dict) else {}
    given = {name: text for key, name in _ARTIFACT_KEYS.items() if isinstance(text := data.get(key), str)}
    return {"artifact": transition.ResultArtifact(**given)} if given else {}


def decided(kind: str, t: Transition, written: State | None, progress: RunProgress | None, **marks: Any) -> Event:
    """The event that records a transition of a run; `marks` are further fields of all but delays and abortions."""
    refusal: dict[str, Any] = {"rule": t.rule or "", "reason": t.reason, "proposed": t.requested}
    if written is not None and progress is not None:
        fields = {"state": written, "progress": progress, **artifact_fields(t.proposed), **marks}
        if t.status is not Status.ACCEPT:
            action, fields = "state.replaced", fields | refusal
        else:
            action = "state.accepted"
            if t.adjusted_by:
                fields |= {"adjusted_by": tuple(t.adjusted_by), "proposed": t.requested}
    elif t.status is Status.WAIT:
        action, fields = "refused.delayed", {"delay_seconds": t.delay_seconds, **refusal}
    elif t.status is Status.ABORT:
        action, fields = "refused.aborted", refusal
    else:
        action, fields = "refused.rejected", refusal | marks
    return EVENT_TYPES[f"{kind}.{action}"](**fields)
