"""Real Prefect programs leave the same records behind on Antiphon as on the genuine server."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.conftest import Pair
from tests.acceptance.genuine import source
from tests.acceptance.normal import Normalizer, difference
from tests.acceptance.script import REPOSITORY, program_of, run_scenario
from tests.acceptance.server import Server
from tests.acceptance.snapshot import Recorded, normalized, read

pytestmark = pytest.mark.acceptance

#: Task events reach the records some time after the program's end.
_SETTLING_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Scenario:
    """A program and how many runs it must leave behind, so that two empty answers never pass for equal ones."""

    name: str
    flow_runs: int
    task_runs: int = 0

    @property
    def prefix(self) -> str:
        """What the names of all its flows begin with."""
        return self.name.replace("_", "-") + ":"


SCENARIOS = [
    Scenario("plain_flow", flow_runs=1, task_runs=2),
    Scenario("async_flow", flow_runs=1, task_runs=4),
    Scenario("mapped_tasks", flow_runs=1, task_runs=9),
    Scenario("task_retry", flow_runs=1, task_runs=2),
    Scenario("flow_retry", flow_runs=3, task_runs=5),
    Scenario("failing_flow", flow_runs=8, task_runs=2),
    Scenario("nul_in_exceptions", flow_runs=4, task_runs=2),
    Scenario("nested_flow", flow_runs=5, task_runs=5),
    Scenario("cached_result", flow_runs=2, task_runs=4),
    Scenario("pause_resume", flow_runs=2, task_runs=2),
    Scenario("pause_with_input", flow_runs=1),
    Scenario("cancel_scheduled", flow_runs=4),
    Scenario("concurrent_flows", flow_runs=20, task_runs=20),
    Scenario("log_lines", flow_runs=1, task_runs=1),
    Scenario("task_details", flow_runs=1, task_runs=5),
    Scenario("edit_flow_run", flow_runs=1),
    Scenario("delete_flow_run", flow_runs=1, task_runs=1),
    Scenario("idempotency_key", flow_runs=4),
    Scenario("forced_state", flow_runs=2),
    Scenario("scheduled_wait", flow_runs=2),
    Scenario("client_reads", flow_runs=5, task_runs=3),
    Scenario("flow_run_inputs", flow_runs=2),
    Scenario("global_limits", flow_runs=1, task_runs=3),
    Scenario("served_deployment", flow_runs=1, task_runs=1),
    Scenario("pool_worker", flow_runs=1, task_runs=1),
    Scenario("event_stream", flow_runs=4, task_runs=1),
    Scenario("log_stream", flow_runs=1),
    Scenario("background_tasks", flow_runs=0),
    Scenario("variables", flow_runs=0),
    Scenario("artifacts", flow_runs=2, task_runs=2),
]


def _play(scenario: Scenario, server: Server, home: Path) -> dict[str, Any]:
    outcome = run_scenario(scenario.name, server, home)
    origin = server.api_url.removesuffix("/api")
    with httpx.Client(base_url=server.api_url, timeout=30) as api:
        recorded = _settled(api, scenario)
    normalize = Normalizer({origin: "<server>", str(home): "<home>", str(REPOSITORY): "<repository>"})
    shown = normalized(recorded, normalize)
    if outcome.exit_code != 0:
        pytest.fail(
            f"exit code {outcome.exit_code} on {server.name}; the program logged:\n{outcome.errors}", pytrace=False
        )
    return {**shown, "output": normalize(outcome.output.splitlines())}


def _settled(api: httpx.Client, scenario: Scenario) -> Recorded:
    deadline = time.monotonic() + _SETTLING_SECONDS
    while True:
        recorded = read(api, scenario.prefix)
        complete = (len(recorded.flow_runs), len(recorded.task_runs)) == (scenario.flow_runs, scenario.task_runs)
        if (complete and recorded.settled) or time.monotonic() > deadline:
            return recorded
        time.sleep(0.2)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_program_leaves_the_same_records(scenario: Scenario, pair: Pair, tmp_path: Path) -> None:
    theirs, ours = pair.answers(
        f"scenarios/{scenario.name}",
        source(program_of(scenario.name)),
        lambda server: _play(scenario, server, tmp_path / server.name),
    )
    found = difference(theirs, ours)
    if found:
        pytest.fail(found, pytrace=False)
    assert len(theirs["flow runs"]) == scenario.flow_runs
    assert len(theirs["task runs"]) == scenario.task_runs
