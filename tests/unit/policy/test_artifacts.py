"""Artifacts: documents without a name, and the data of states."""

from __future__ import annotations

from uuid import UUID

from antiphon.events.document.commands import CreateArtifact, CreateFlow, DeleteArtifact, UpdateArtifact
from antiphon.events.flow_run.commands import CreateFlowRun, DeleteFlowRun
from antiphon.events.flow_run.events import FlowRunTransitionReplaced
from antiphon.events.outcome import Status
from antiphon.events.subjects import Aggregate
from antiphon.events.transition import artifact_id
from antiphon.services.policy.kinds.flow_run import state as flow_run
from antiphon.services.policy.kinds.task_run import state as task_run
from tests.examples import (
    FLOW,
    FLOW_ID,
    RUN,
    RUN_ID,
    STATE_ID,
    TASK_ID,
    run_created,
    run_moved,
    set_state,
    state,
    task_created,
    task_moved,
)
from tests.world import World

ONE = Aggregate("artifact", str(UUID(int=1)))
DATA = {"key": "key", "type": "table", "data": [1]}
CHANGE = {"data": 2, "description": "d"}


def of_state(made: World) -> Aggregate:
    """Move the run to a state with data, and return what that is as an artifact."""
    made.when(RUN, CreateFlowRun(flow_id=FLOW_ID))
    made.when(RUN, set_state("RUNNING", data={"x": 1}))
    found = artifact_id(made.state(RUN).state)
    return Aggregate("artifact", str(found))


def world() -> World:
    """A flow."""
    made = World()
    made.when(FLOW, CreateFlow(data={"name": "flow"}))
    return made


def test_an_artifact_is_created_changed_and_deleted() -> None:
    made = World()
    assert made.when(ONE, CreateArtifact(data=DATA)).status is Status.CREATED
    assert made.when(ONE, UpdateArtifact(changes=CHANGE)).status is Status.UPDATED
    assert made.state(ONE).data["data"] == 2
    assert made.when(ONE, DeleteArtifact()).status is Status.DELETED
    assert made.when(ONE, UpdateArtifact(changes=CHANGE)).status is Status.NOT_FOUND


def test_what_it_is_of_stays() -> None:
    made = World()
    made.when(ONE, CreateArtifact(data=DATA))
    for field in ("key", "type", "flow_run_id", "task_run_id"):
        assert made.when(ONE, UpdateArtifact(changes={field: None})).status is Status.INVALID
    assert made.state(ONE).data["key"] == "key"


def test_a_key_or_a_field_that_cannot_be_is_refused() -> None:
    for data in ({"key": "Key"}, {"nope": 1}, {"metadata_": {"a": 1}}):
        assert World().when(ONE, CreateArtifact(data=data)).status is Status.INVALID


def test_the_artifact_of_a_state_is_known_by_its_run() -> None:
    made = world()
    own = of_state(made)
    assert made.when(own, UpdateArtifact(changes=CHANGE)).status is Status.NOT_FOUND
    assert made.when(own, UpdateArtifact(changes=CHANGE, flow_run_id=RUN_ID)).status is Status.UPDATED
    assert made.when(own, DeleteArtifact(flow_run_id=RUN_ID, task_run_id=TASK_ID)).status is Status.NOT_FOUND
    assert made.when(own, DeleteArtifact(flow_run_id=RUN_ID)).status is Status.DELETED
    assert made.when(own, DeleteArtifact(flow_run_id=RUN_ID)).status is Status.NOT_FOUND
    assert made.when(ONE, DeleteArtifact(flow_run_id=RUN_ID)).status is Status.NOT_FOUND


def test_the_artifact_of_a_state_outlives_its_run() -> None:
    made = world()
    own = of_state(made)
    made.when(RUN, DeleteFlowRun())
    assert made.when(own, UpdateArtifact(changes=CHANGE, flow_run_id=RUN_ID)).status is Status.UPDATED
    made.when(RUN, CreateFlowRun(flow_id=FLOW_ID))
    assert made.when(own, DeleteArtifact(flow_run_id=RUN_ID)).status is Status.DELETED


def test_only_data_worth_keeping_is_an_artifact() -> None:
    assert [artifact_id(state("COMPLETED", data=data)) for data in (None, {"type": "unpersisted"})] == [None, None]
    kept = [artifact_id(state("COMPLETED", data=data)) for data in (0, "", {}, {"type": "x"})]
    assert kept == [artifact_id(state("COMPLETED", data=1))] * 4
    assert kept[0] not in (None, STATE_ID)


def test_runs_remember_the_artifacts_of_every_state_that_was_written() -> None:
    kept = state("RUNNING", data=1)
    other = kept.changed(id=UUID(int=9))
    refused = FlowRunTransitionReplaced(
        rule="R", reason="r", proposed=kept, state=other, progress=run_moved(kept).progress
    )
    run = flow_run.INITIAL
    for event in (run_created(), run_moved(kept), refused, run_moved(kept.changed(data=None))):
        run = flow_run.evolve(run, event)
    task = task_run.INITIAL
    for moved in (task_created(), task_moved(kept), task_moved(other)):
        task = task_run.evolve(task, moved)
    assert run.artifact_ids == task.artifact_ids == {artifact_id(kept), artifact_id(other)}
