"""What events lead to, as rows of artifacts and of the latest of each key."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from antiphon.events import ids
from antiphon.events.document.events import ArtifactCreated, ArtifactDeleted, ArtifactUpdated
from antiphon.events.flow_run.events import FlowRunDeleted, FlowRunTransitionAccepted, FlowRunTransitionRejected
from antiphon.events.state import RunProgress
from antiphon.events.subjects import Aggregate
from antiphon.events.transition import ResultArtifact, artifact_id
from tests.examples import RUN, RUN_ID, TASK, TASK_ID, run_created, run_moved, state, task_created, task_moved
from tests.projection_scenario import ProjectionScenario

ONE, TWO, THREE = (Aggregate("artifact", str(UUID(int=number))) for number in (1, 2, 3))
KEYED = {"id": str(ids.artifact_collection_id("key")), "key": "key"}


def created(**fields: Any) -> ArtifactCreated:
    """An artifact as its decider records it."""
    none = dict.fromkeys(("key", "type", "description", "data", "metadata_", "flow_run_id", "task_run_id"))
    return ArtifactCreated(data={**none, **fields})


async def test_an_artifact_is_created_updated_and_deleted(projections: ProjectionScenario) -> None:
    there = projections.given((ONE, created(type="table", data=[{"long": 1, "b": 2}], metadata_={"bb": "2", "a": "1"})))
    # Keys keep their order.
    (await there.when()).then(
        "artifact", {"data": '[{"long":1,"b":2}]', "metadata_": '{"bb":"2","a":"1"}', "type": "table", "key": None}
    ).then_nothing("artifact_collection")
    changed = there.given((ONE, ArtifactUpdated(changes={"data": None, "description": "d"})))
    (await changed.when()).then("artifact", {"data": None, "description": "d", "metadata_": '{"bb":"2","a":"1"}'})
    (await changed.when((ONE, ArtifactDeleted()))).then_nothing("artifact")


async def test_the_last_of_a_key_is_its_latest(projections: ProjectionScenario) -> None:
    there = projections.given(
        (ONE, created(key="key", type="a", flow_run_id=str(RUN_ID))),
        (TWO, created(key="other", type="b")),
        (THREE, created(key="key", type="c")),
    )
    first, last = "2026-01-02T03:04:06.678901+00:00", "2026-01-02T03:04:08.678901+00:00"
    shown = await there.when((TWO, ArtifactDeleted()))
    shown.then(
        "artifact_collection",
        {**KEYED, "latest_id": THREE.id, "type": "c", "flow_run_id": None, "created": first, "updated": last},
    )
    before = await there.when((TWO, ArtifactDeleted()), (THREE, ArtifactDeleted()))
    before.then(
        "artifact_collection",
        {**KEYED, "latest_id": ONE.id, "type": "a", "flow_run_id": str(RUN_ID), "created": first, "updated": first},
    )
    assert len((await there.when((ONE, ArtifactDeleted()))).rows["artifact_collection"]) == 2
    none = await there.when(*((each, ArtifactDeleted()) for each in (THREE, TWO, ONE)))
    none.then_nothing("artifact", "artifact_collection")


async def test_the_data_of_a_state_is_an_artifact_that_stays_when_its_run_goes(projections: ProjectionScenario) -> None:
    kept = state("COMPLETED", data={"b": 1, "a": 10**30})
    moved = FlowRunTransitionAccepted(
        state=kept, progress=RunProgress(), artifact=ResultArtifact(key="key", type="", description="d")
    )
    shown = await projections.when((RUN, run_created()), (RUN, moved), (RUN, FlowRunDeleted()))
    described = {"key": "key", "type": None, "description": "d", "data": '{"b":1,"a":1' + 30 * "0" + "}"}
    shown.then(
        "artifact", {**described, "id": str(artifact_id(kept)), "flow_run_id": str(RUN_ID), "task_run_id": None}
    ).then("artifact_collection", {**KEYED, "latest_id": str(artifact_id(kept))})


async def test_the_artifact_of_a_state_is_changed_and_deleted_by_its_own_events(
    projections: ProjectionScenario,
) -> None:
    kept = state("COMPLETED", data=0)
    own = Aggregate("artifact", str(artifact_id(kept)))
    there = projections.given((TASK, task_created()), (TASK, task_moved(kept)))
    changed = await there.when((own, ArtifactUpdated(changes={"data": 2})))
    changed.then("artifact", {"data": "2", "flow_run_id": None, "task_run_id": str(TASK_ID)})
    changed.then("task_run", {"state": kept.model_dump(mode="json")})
    (await there.when((own, ArtifactDeleted()))).then_nothing("artifact")


async def test_states_without_data_and_refusals_that_wrote_none_leave_no_artifact(
    projections: ProjectionScenario,
) -> None:
    refused = FlowRunTransitionRejected(rule="R", reason="r", proposed=state("RUNNING", data=1))
    shown = await projections.when(
        (RUN, run_created()),
        (RUN, run_moved(state("RUNNING"))),
        (RUN, refused),
        (RUN, run_moved(state("FAILED", data={"type": "unpersisted"}))),
    )
    shown.then_nothing("artifact", "artifact_collection")
