"""Decides the commands for artifacts: created ones, and those that are a state's data (docs/adr/0015)."""

from __future__ import annotations

from dataclasses import replace

from antiphon.events.document.commands import DeleteArtifact, UpdateArtifact
from antiphon.events.message import Command
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Decider, Decision, Situation
from antiphon.services.policy.kinds.document import decider
from antiphon.services.policy.kinds.document.state import Document


def related(command: Command, situation: Situation[Document]) -> tuple[Aggregate, ...]:  # noqa: ARG001  as all deciders'
    """The run whose state may hold the artifact."""
    run = _run(command)
    return () if run is None else (run,)


def decide(command: Command, situation: Situation[Document]) -> Decision:
    """Decides as for any document; an artifact of a state has no creation event, so its run proves that it exists."""
    run = _run(command)
    if (
        run is not None
        and not situation.state.is_deleted
        and situation.aggregate.id in map(str, situation.others[run].artifact_ids)
    ):
        situation = replace(situation, state=replace(situation.state, exists=True))
    return decider.decide(command, situation)


def _run(command: Command) -> Aggregate | None:
    if not isinstance(command, UpdateArtifact | DeleteArtifact):
        return None
    if command.task_run_id is not None:
        return Aggregate("task_run", str(command.task_run_id))
    return None if command.flow_run_id is None else Aggregate("flow_run", str(command.flow_run_id))


ARTIFACT: Decider[Document] = replace(decider.DOCUMENT, decision=decide, needed=related)
