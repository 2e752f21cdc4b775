"""The commands that are published on NATS."""

from collections import defaultdict
from uuid import UUID

import pytest

from antiphon.events import subjects
from antiphon.events.flow_run.commands import CreateFlowRun, SetFlowRunState
from antiphon.events.state import StateType
from tests.benchmarks.native import commands

FLOW = UUID("11111111-1111-4111-8111-111111111111")


@pytest.mark.parametrize("runs", [1, 64, 65, 200])
def test_every_run_is_created_started_and_completed_in_this_order(runs: int) -> None:
    of_run = defaultdict(list)
    for addressed in commands(FLOW, runs):
        of_run[addressed.aggregate_id].append(addressed.command)
    assert len(of_run) == runs
    for create, start, complete in of_run.values():
        assert isinstance(create, CreateFlowRun)
        assert create.flow_id == FLOW
        assert isinstance(start, SetFlowRunState)
        assert start.state.type is StateType.RUNNING
        assert isinstance(complete, SetFlowRunState)
        assert complete.state.type is StateType.COMPLETED


def test_every_command_has_an_id_of_its_own() -> None:
    ids = [addressed.command_id for addressed in commands(FLOW, 100)]
    assert len(set(ids)) == 300


def test_every_command_has_a_subject_that_the_policy_reads() -> None:
    for addressed in commands(FLOW, 2):
        aggregate, verb = subjects.parse(addressed.subject)
        assert aggregate.kind == "flow_run"
        assert verb in ("create", "set_state")
