"""Made-up runs are such as could have been decided."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from antiphon.events.flow_run.events import FlowRunCreated, FlowRunTransitionAccepted
from antiphon.events.state import TERMINAL, StateType
from antiphon.services.cli.demo.flows import HABITS, Origin
from antiphon.services.cli.demo.runs import Runs
from antiphon.services.cli.load_demo import _batches
from antiphon.services.policy.kinds.flow_run.state import INITIAL, FlowRun, evolve

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORIGINS = [Origin(habit, UUID(int=n + 1), UUID(int=n) if habit.deployments else None) for n, habit in enumerate(HABITS)]
COUNT = 3000


def _lives() -> list[FlowRun]:
    made, lives = Runs(ORIGINS, NOW, COUNT, Random(1)), []  # noqa: S311  to be the same in every run
    for number in range(COUNT):
        run, last = INITIAL, None
        for draft in made.make(number):
            assert last is None or last <= draft.metadata.occurred_at <= NOW
            last = draft.metadata.occurred_at
            run = evolve(run, draft.event)
        lives.append(run)
    return lives


def test_their_states_are_those_of_a_month() -> None:
    lives = _lives()
    kinds = Counter(run.state.type for run in lives if run.state is not None)
    assert sum(kinds.values()) == COUNT
    assert kinds[StateType.COMPLETED] > COUNT * 0.75
    for kind in (StateType.FAILED, StateType.CRASHED, StateType.CANCELLED, StateType.SCHEDULED, StateType.RUNNING):
        assert kinds[kind] > 0
    for run in lives:
        assert run.state is not None
        assert (run.progress.end_time is not None) == (run.state.type in TERMINAL)
        assert (run.progress.start_time is not None) == (run.progress.run_count == 1)
        expected = run.progress.expected_start_time
        assert expected is not None
        assert NOW - timedelta(days=31) < expected < NOW + timedelta(days=2)
        assert expected > NOW or run.state.type is not StateType.SCHEDULED or run.deployment_id is not None
        assert run.policy.resuming is False


def test_a_command_led_to_each_event_of_a_run() -> None:
    made = Runs(ORIGINS, NOW, COUNT, Random(2))  # noqa: S311  to be the same in every run
    for number in range(0, COUNT, 100):
        created, *later = made.make(number)
        assert isinstance(created.event, FlowRunCreated)
        assert all(isinstance(draft.event, FlowRunTransitionAccepted) for draft in later)
        assert {draft.aggregate for draft in later} <= {created.aggregate}
        commands = {draft.metadata.command_id for draft in (created, *later)}
        assert len(commands) == 1 + len(later)
        assert all(draft.index == 0 for draft in later)


def test_batches_hold_whole_runs_and_are_not_larger_than_the_log_takes() -> None:
    made = Runs(ORIGINS, NOW, COUNT, Random(3))  # noqa: S311  to be the same in every run
    seen: set[str] = set()
    counts = []
    for count, batch in _batches(made, COUNT):
        assert 0 < len(batch) <= 500
        runs = {draft.aggregate.id for draft in batch}
        assert not runs & seen
        seen |= runs
        counts.append(count)
        assert len(seen) == count
    assert counts[-1] == COUNT
