"""What an event about a flow run says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from antiphon.events.flow_run.events import CreatedBy
from antiphon.events.state import State
from antiphon.services.reactor.state_change import Named, StateChange, body
from tests.examples import EARLIER, NOW, RUN_ID, STATE_ID, state

INITIAL = UUID("60000000-0000-7000-8000-000000000006")


def event(entered: State, initial: State | None = None, **fields: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"run": Named(str(RUN_ID), "run"), "run_count": 2, "related": {}, "created_by": None}
    change = StateChange(entered=entered, initial=initial, **(values | fields))
    made: dict[str, Any] = orjson.loads(body(change, NOW))
    return made


def test_it_is_identified_and_dated_by_the_state() -> None:
    made = event(state("RUNNING", "Retrying"))
    assert (made["id"], made["event"]) == (str(STATE_ID), "prefect.flow-run.Retrying")
    assert (made["occurred"], made["received"]) == ("2026-01-02T03:03:05.678901Z", "2026-01-02T03:04:05.678901Z")
    assert made["resource"]["prefect.state-timestamp"] == "2026-01-02T03:03:05.678901+00:00"


@pytest.mark.parametrize(("minutes", "follows"), [(0, True), (4.9, True), (5, False), (-4.9, True), (-5, False)])
def test_it_follows_the_state_before_if_that_was_recent(minutes: float, follows: bool) -> None:  # noqa: FBT001
    initial = state("PENDING", at=EARLIER - timedelta(minutes=minutes)).changed(id=INITIAL)
    assert event(state("RUNNING"), initial)["follows"] == (str(INITIAL) if follows else None)


def test_a_pause_tells_whether_the_run_is_scheduled_again() -> None:
    made = event(state("PAUSED", pause_reschedule=True), state("PAUSED"))
    assert made["payload"]["validated_state"]["pause_reschedule"] == "true"
    assert made["payload"]["initial_state"]["pause_reschedule"] == "false"


@pytest.mark.parametrize(
    ("kind", "creator"),
    [("DEPLOYMENT", "prefect.deployment.x"), ("AUTOMATION", "prefect.automation.x"), ("SCHEDULE", None), (None, None)],
)
def test_a_creator_is_named_if_an_event_can_name_it(kind: str | None, creator: str | None) -> None:
    who = CreatedBy(id=STATE_ID, type=kind)
    named = (
        [{"prefect.resource.id": creator.replace("x", str(STATE_ID)), "prefect.resource.role": "creator"}]
        if creator
        else []
    )
    assert event(state("RUNNING"), created_by=who)["related"] == named


def test_tags_of_everything_are_there_once() -> None:
    related = {"flow": Named("f", "flow", ["b", "a"]), "task-run": Named("t", "task", ["a", "d"])}
    made = event(state("RUNNING"), run=Named(str(RUN_ID), "run", ["c", "a"]), related=related)
    ids = [item["prefect.resource.id"] for item in made["related"]]
    assert ids == ["prefect.flow.f", "prefect.task-run.t", *(f"prefect.tag.{tag}" for tag in "abcd")]


@pytest.mark.parametrize("length", [0, 100_000, 100_001, 150_000])
def test_a_long_message_is_shortened(length: int) -> None:
    message = "x" * length
    shown = event(state("FAILED").changed(message=message))["resource"]["prefect.state-message"]
    assert len(shown) <= max(100_040, min(length, 100_001))
    assert (shown == message) is (length <= 100_001)
