"""The five decisions about a proposed transition, common to flow runs and task runs.

The actions of events that wrote a state are `state.<how>`, those of refusals that wrote none are `refused.<how>`:
the wildcards `evt.*.*.state.*` and `evt.*.*.refused.*` select exactly these.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from antiphon.events import ids
from antiphon.events.message import Event, Payload
from antiphon.events.outcome import Status
from antiphon.events.state import RunProgress, State, is_unpersisted


class ResultArtifact(Payload):
    """The description of the artifact that a state's data becomes; clients send it as keys of the data."""

    key: str | None = None
    type: str | None = None
    description: str | None = None


def artifact_id(state: State) -> UUID | None:
    """The id of the artifact of a written state's data; None if the state has no stored data."""
    if state.data is None or is_unpersisted(state.data):
        return None
    return ids.derived(state.id, "artifact")


class StateWritten(Event):
    """The run moved to `state`; `progress` holds the run fields that transitions compute."""

    state: State
    progress: RunProgress
    artifact: ResultArtifact | None = None


class TransitionDecided(Event):
    """A decision about a proposed transition."""

    STATUS: ClassVar[Status]


class TransitionRefused(TransitionDecided):
    """The run did not move to `proposed`."""

    #: Prefect's name of the rule that refused.
    rule: str
    reason: str
    proposed: State


class Accepted(StateWritten, TransitionDecided):
    """The run moved to the proposed state; rules may have adjusted it."""

    STATUS: ClassVar = Status.ACCEPT

    #: The rules that adjusted the proposed state, in order (a rename, a copied scheduled time).
    adjusted_by: tuple[str, ...] = ()
    #: The state as it was proposed, if a rule adjusted it.
    proposed: State | None = None


class Replaced(StateWritten, TransitionRefused):
    """A rule rejected the proposed state, and moved the run to another one instead."""

    STATUS: ClassVar = Status.REJECT


class Rejected(TransitionRefused):
    """A rule rejected the proposed state: the run keeps its state."""

    STATUS: ClassVar = Status.REJECT


class Delayed(TransitionRefused):
    """The run may be moved when `delay_seconds` have passed; Prefect calls it WAIT."""

    STATUS: ClassVar = Status.WAIT

    delay_seconds: int


class Aborted(TransitionRefused):
    """The run did not move, and the caller should give up."""

    STATUS: ClassVar = Status.ABORT
