"""However events are cut into batches, and however often they come, the rows are the same."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.events.log.memory import MemoryLog
from antiphon.events.log.port import Draft
from antiphon.events.message import Metadata
from antiphon.projections.engine.writer import connect
from antiphon.projections.rebuild.rebuild import Rebuild
from antiphon.services.runtime.clock import ManualClock
from tests.examples import COMMAND_ID, NOW
from tests.integration.projections.happenings import of_runs
from tests.log import append_to
from tests.projection_scenario import Cuts, Fact, ProjectionScenario, recorded, rows_of


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Fact], Cuts]:
    """Any events in any order, and where they are cut."""
    facts = [draw(st.sampled_from(of_runs(number))) for number in range(draw(st.integers(2, 14)))]
    return facts, tuple(sorted(draw(st.sets(st.integers(1, len(facts) - 1)))))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories())
def test_any_events_in_any_batches_make_the_same_rows(
    projections: ProjectionScenario, history: tuple[list[Fact], Cuts]
) -> None:
    facts, cuts = history
    one_by_one = tuple(range(1, len(facts)))
    asyncio.run(projections.given(*facts).when(cuts=[one_by_one, cuts, ()]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories())
def test_invariant_01_rebuilt_rows_are_the_live_ones(
    projections: ProjectionScenario, history: tuple[list[Fact], Cuts]
) -> None:
    asyncio.run(_check_rebuilt(projections, *history))


async def _check_rebuilt(projections: ProjectionScenario, facts: list[Fact], cuts: Cuts) -> None:
    live = await projections.given(*facts).when(cuts=[cuts])
    clock = ManualClock(NOW)
    log = MemoryLog(clock)
    for item in recorded(facts):
        metadata = Metadata(command_id=COMMAND_ID, occurred_at=item.metadata.occurred_at)
        await append_to(log, [Draft(item.aggregate, item.event, metadata, 0)])
    assert await Rebuild(log, projections.postgres_url).run() == len(facts)
    async with await connect(projections.postgres_url) as connection:
        assert await rows_of(connection) == live.rows
