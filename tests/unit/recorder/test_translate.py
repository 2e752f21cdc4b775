"""What the recorder makes of events that clients emit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
import pytest

from antiphon.events.client.client import CommandEnvelope
from antiphon.events.errors import UndecodableError
from antiphon.events.state import StateType
from antiphon.events.task_run.commands import RecordTaskRunState
from antiphon.services.recorder.translate import command_from

TASK_RUN = UUID("019a0000-0000-7000-8000-000000000001")
FLOW_RUN = UUID("019a0000-0000-7000-8000-000000000002")
EVENT = UUID("019a0000-0000-7000-8000-000000000003")


def event(**changes: Any) -> dict[str, Any]:
    """A task-run event as Prefect's SDK emits it, shortened."""
    return {
        "id": str(EVENT),
        "occurred": "2026-01-02T03:04:05.678Z",
        "event": "prefect.task-run.Running",
        "resource": {
            "prefect.resource.id": f"prefect.task-run.{TASK_RUN}",
            "prefect.resource.name": "add-0",
            "prefect.orchestration": "client",
        },
        "related": [
            {"prefect.resource.id": f"prefect.flow-run.{FLOW_RUN}", "prefect.resource.role": "flow-run"},
            {"prefect.resource.id": "prefect.flow.x", "prefect.resource.role": "flow"},
        ],
        "payload": {
            "intended": {"from": "PENDING", "to": "RUNNING"},
            "validated_state": {"type": "RUNNING", "name": "Running", "message": "", "state_details": {}, "data": None},
            "task_run": {
                "name": "add-0",
                "task_key": "add",
                "dynamic_key": "0",
                "run_count": 1,
                "total_run_time": 0.5,
                "estimated_run_time": 7.0,
            },
        },
    } | changes


def command(body: dict[str, Any]) -> tuple[CommandEnvelope, RecordTaskRunState]:
    addressed = command_from(orjson.dumps(body))
    assert addressed is not None
    assert isinstance(addressed.command, RecordTaskRunState)
    return addressed, addressed.command


def test_a_report_is_addressed_to_its_task_run_and_takes_the_events_id() -> None:
    addressed, _ = command(event())
    assert (addressed.aggregate_id, addressed.command_id) == (TASK_RUN, EVENT)


def test_the_event_is_the_state() -> None:
    _, record = command(event())
    assert (record.state.id, record.state.type, record.state.message) == (EVENT, StateType.RUNNING, "")
    assert record.state.timestamp.isoformat() == "2026-01-02T03:04:05.678000+00:00"


def test_the_flow_run_is_the_related_one() -> None:
    assert command(event())[1].flow_run_id == FLOW_RUN


def test_a_task_run_may_have_no_flow_run() -> None:
    assert command(event(related=[]))[1].flow_run_id is None


def test_only_what_was_sent_counts_as_given() -> None:
    _, record = command(event())
    assert record.task_run.model_fields_set == {"name", "task_key", "dynamic_key", "run_count", "total_run_time"}
    assert record.task_run.total_run_time.total_seconds() == 0.5


@pytest.mark.parametrize(
    "other",
    [
        event(event="prefect.flow-run.heartbeat"),
        event(resource={"prefect.resource.id": f"prefect.task-run.{TASK_RUN}"}),
        event(resource={"prefect.resource.id": f"prefect.task-run.{TASK_RUN}", "prefect.orchestration": "server"}),
    ],
)
def test_other_events_are_not_recorded(other: dict[str, Any]) -> None:
    assert command_from(orjson.dumps(other)) is None


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[]",
        orjson.dumps(event(payload={})),
        orjson.dumps(event(id="no uuid")),
        orjson.dumps(event(resource={"prefect.resource.id": "prefect.task-run.x", "prefect.orchestration": "client"})),
        orjson.dumps(event(payload={"validated_state": {"type": "DANCING"}, "task_run": {}})),
        orjson.dumps(event(payload=event()["payload"] | {"task_run": {"name": "no keys"}})),
    ],
)
def test_what_claims_to_be_a_report_and_is_none_cannot_be_decoded(body: bytes) -> None:
    with pytest.raises(UndecodableError):
        command_from(body)
