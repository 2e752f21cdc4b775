"""The four ways a proposed transition is decided, common to flow runs and task runs.

A refusal is recorded beside the acceptances: which rule refused, why, and what was proposed.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from antiphon.events import ids
from antiphon.events.message import Event, Payload
from antiphon.events.state import Progress, State, is_unpersisted

#: Prefect's `SetStateStatus`.
TransitionStatus = Literal["ACCEPT", "REJECT", "WAIT", "ABORT"]


class ResultArtifact(Payload):
    """How the data of a written state is to be known as an artifact; it came as keys of the data."""

    key: str | None = None
    type: str | None = None
    description: str | None = None


def artifact_id(state: State) -> UUID | None:
    """The id of the artifact that the data of a written state is; None where a state has no data that is kept."""
    if state.data is None or is_unpersisted(state.data):
        return None
    return ids.derived(state.id, "artifact")


class Accepted(Event):
    """The run moved to `state`, which is what was proposed but for what rules may adjust."""

    state: State
    progress: Progress
    #: The rules that adjusted the proposed state, in order (a rename, a copied scheduled time).
    adjusted_by: tuple[str, ...] = ()
    #: What was proposed, where a rule adjusted it.
    proposed: State | None = None
    artifact: ResultArtifact | None = None


class Rejected(Event):
    """The run did not move to `proposed`; if `state` is set, the rule moved it there instead."""

    rule: str
    reason: str
    proposed: State
    state: State | None = None
    progress: Progress | None = None
    artifact: ResultArtifact | None = None


class Delayed(Event):
    """The run may be moved to `proposed` when `delay_seconds` have passed; Prefect calls it WAIT."""

    rule: str
    reason: str
    delay_seconds: int
    proposed: State


class Aborted(Event):
    """The run did not move to `proposed`, and the caller should give up."""

    rule: str
    reason: str
    proposed: State


Refusal = Rejected | Delayed | Aborted
#: Any of the four, for code that tells them apart.
Decided = Accepted | Refusal
