"""Changes of a batch become few statements, with the same effect however the events are cut into batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.events.codec import EVENT_TYPES
from antiphon.events.flow_run.events import FlowRunPolicy, FlowRunTransitionRejected
from antiphon.events.log.port import Recorded
from antiphon.events.message import Event
from antiphon.events.subjects import Aggregate
from antiphon.projections.core.change import Change, Step, merge
from antiphon.projections.core.statements import statements
from antiphon.projections.core.table import Table
from antiphon.projections.engine.projection import NOT_PROJECTED, PROJECTIONS, project
from antiphon.projections.flow_run.projection import FLOW_RUN, FLOW_RUN_STATE
from antiphon.projections.task_run.projection import TASK_RUN
from tests.examples import METADATA, NOW, RUN, RUN_ID, TASK, run_created, run_moved, state
from tests.golden import EXAMPLES

Tables = dict[tuple[str, UUID], dict[str, Any]]


def recorded(event: Event, aggregate: Aggregate = RUN, position: int = 1) -> Recorded:
    return Recorded(position, aggregate, event, METADATA, NOW)


def applied(steps: Iterable[Step], tables: Tables) -> None:
    """What the writer's statements do, on dictionaries."""
    for step in steps:
        for table, rows in step.puts.items():
            for row_id, row in rows.items():
                _put(tables, table, row_id, row)
        for table, rows in step.moves.items():
            for row_id, values in rows.items():
                if (table.name, row_id) in tables:
                    tables[table.name, row_id] |= values


def _put(tables: Tables, table: Table, row_id: UUID, row: dict[str, Any]) -> None:
    known = tables.get((table.name, row_id))
    if known is None:
        tables[table.name, row_id] = dict(row)
    elif not table.append_only:
        # Columns that the row does not have are set to null, as by the statement.
        tables[table.name, row_id] = {**row, "created": known["created"]}


def moved(number: int, kind: str) -> Event:
    return run_moved(state(kind).model_copy(update={"id": UUID(int=number)}), run_count=number)


EVENTS: Sequence[Event] = (
    run_created(),
    moved(1, "PENDING"),
    moved(2, "RUNNING"),
    FlowRunTransitionRejected(rule="Rule", reason="because", proposed=state("PAUSED")),
    moved(3, "FAILED"),
    run_created(FlowRunPolicy(retries=1)),
    moved(4, "RUNNING"),
)


def test_a_run_that_is_created_and_moved_in_one_batch_is_one_inserted_row() -> None:
    changes = [change for event in EVENTS[:3] for change in project(recorded(event))]
    (step,) = merge(changes)
    assert list(step.puts) == [FLOW_RUN, FLOW_RUN_STATE]
    assert step.moves == {}
    assert step.puts[FLOW_RUN][RUN_ID]["state_name"] == "Running"
    assert len(step.puts[FLOW_RUN_STATE]) == 3


@given(cuts=st.sets(st.integers(1, len(EVENTS) - 1)), times=st.integers(1, 2))
def test_batches_may_be_cut_anywhere_and_come_twice(cuts: set[int], times: int) -> None:
    one_by_one: Tables = {}
    for event in EVENTS:
        applied(merge(project(recorded(event))), one_by_one)
    borders = [0, *sorted(cuts), len(EVENTS)]
    in_batches: Tables = {}
    for start, end in pairwise(borders):
        changes: list[Change] = [change for event in EVENTS[start:end] for change in project(recorded(event))]
        applied(merge(changes), in_batches)
    for _ in range(times - 1):
        applied(merge(change for event in EVENTS for change in project(recorded(event))), in_batches)
    assert in_batches == one_by_one


def test_a_refusal_that_wrote_no_state_changes_no_row() -> None:
    assert project(recorded(EVENTS[3])) == []


def test_a_refusal_may_leave_marks() -> None:
    marked = FlowRunTransitionRejected(
        rule="Rule", reason="because", proposed=state("PENDING"), empirical_policy=FlowRunPolicy(resuming=True)
    )
    (statement,) = project(recorded(marked))
    assert getattr(statement, "name", "") == "mark_flow_run"


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_every_event_is_projected_or_listed_as_ignored(name: str) -> None:
    kind = name.partition(".")[0]
    assert (kind in PROJECTIONS) != (kind in NOT_PROJECTED)
    project(recorded(EXAMPLES[name], Aggregate(kind, TASK.id)))


def test_every_statement_that_is_named_exists() -> None:
    named = {"advance", "park", FLOW_RUN.after_put}
    for name, example in EXAMPLES.items():
        changes = project(recorded(example, Aggregate(name.partition(".")[0], TASK.id)))
        named |= {change.name for change in changes if hasattr(change, "name")}
    assert named <= set(statements())


def test_no_value_stands_in_the_text_of_a_statement() -> None:
    assert "%(rows)s" in TASK_RUN.put_sql
    assert "%(rows)s" in TASK_RUN.move_sql
