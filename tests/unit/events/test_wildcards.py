"""The wildcards that are recommended to subscribers select exactly what they promise."""

from __future__ import annotations

import pytest

from antiphon.events import subjects
from antiphon.events.codec import EVENT_TYPES
from antiphon.events.event_filter import EventFilter
from antiphon.events.message import Event
from antiphon.events.refusal import CommandRefused
from antiphon.events.state import State
from antiphon.events.subjects import Aggregate
from tests.golden import example

STATES, REFUSALS = "evt.*.*.state.*", "evt.*.*.refused.*"


def writes_a_state_of_its_run(kind: str, event: Event) -> bool:
    return kind in ("flow_run", "task_run") and isinstance(getattr(event, "state", None), State)


def refuses(event: Event) -> bool:
    return isinstance(event, CommandRefused) or not {"reason", "retry_after_seconds"}.isdisjoint(
        type(event).model_fields
    )


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_the_wildcards_select_the_events_that_wrote_a_state_and_the_refusals_that_wrote_none(name: str) -> None:
    kind, _, action = name.partition(".")
    subject, event = subjects.event(Aggregate(kind, "x"), action), example(name)
    writes = writes_a_state_of_its_run(kind, event)
    assert subjects.matches(subject, STATES) == writes
    assert subjects.matches(subject, REFUSALS) == (refuses(event) and not writes)
    assert EventFilter(action="state.*").fits(event) == writes


def test_the_wildcards_select_something() -> None:
    found = [name for name in EVENT_TYPES if subjects.matches(f"evt.x.{name}", "evt.x.flow_run.state.*")]
    assert "flow_run.state.replaced" in found
