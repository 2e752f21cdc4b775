"""The Prefect example in `examples/` runs as its text says, against either server."""

from pathlib import Path

import httpx
import pytest

from tests.acceptance.conftest import Pair
from tests.acceptance.script import run_program
from tests.acceptance.server import Server
from tests.acceptance.snapshot import read

pytestmark = pytest.mark.acceptance


@pytest.mark.parametrize("which", ["oracle", "subject"])
def test_the_prefect_example_runs_and_is_read_back(which: str, pair: Pair, tmp_path: Path) -> None:
    server: Server = getattr(pair, which)
    outcome = run_program(["examples/prefect_flow.py"], server, tmp_path / "home")
    assert outcome.exit_code == 0, outcome.errors
    with httpx.Client(base_url=server.api_url, timeout=30) as api:
        weather, summary = read(api, "weather"), read(api, "summary")
    assert [run["state_name"] for run in weather.flow_runs] == ["Completed"]
    assert {run["name"] for run in summary.flow_runs} == {"summary-of-north", "summary-of-south"}
    assert {run["state_type"] for run in summary.flow_runs} == {"COMPLETED"}
    assert any(line["message"] == "the warmest station is south" for line in weather.logs)
    # One stands in the parent for each subflow.
    assert sorted(run["name"] for run in weather.task_runs) == ["summary-0", "summary-1"]
