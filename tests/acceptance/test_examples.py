"""The examples run as their texts say: the Prefect one against either server, the NATS one against Antiphon."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.acceptance.antiphon import running_antiphon
from tests.acceptance.conftest import Pair
from tests.acceptance.genuine import Mode, mode
from tests.acceptance.script import run_program
from tests.acceptance.snapshot import read

_REPOSITORY = Path(__file__).parents[2]

pytestmark = pytest.mark.acceptance


#: On the genuine server the example shows that it is right itself: there is nothing to record.
_SERVERS = ["subject"] if mode() is Mode.REPLAY else ["oracle", "subject"]


@pytest.mark.parametrize("which", _SERVERS)
def test_the_prefect_example_runs_and_is_read_back(which: str, pair: Pair, tmp_path: Path) -> None:
    server = pair.subject if which == "subject" else pair.genuine.running()
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


def test_the_nats_example_publishes_watches_and_replays(open_path: Path) -> None:
    # On a server of its own: the other tests compare everything that theirs hold.
    home = open_path / "antiphon"
    with running_antiphon(home):
        run_file = json.loads((home / "data" / "run.json").read_text())
        command = [sys.executable, "examples/nats_only.py", "--nats-url", run_file["nats_url"]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=_REPOSITORY)  # noqa: S603
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split("-> ")[1] for line in lines if line.startswith("live")] == ["Pending", "Running", "Completed"]
    assert "ABORT: HandleFlowTerminalStateTransitions" in done.stdout
    replayed = [line.split()[1] for line in lines[lines.index("replay:") + 1 :]]
    assert replayed == [
        "flow_run.state.created",
        "flow_run.state.accepted",
        "flow_run.state.accepted",
        "flow_run.refused.aborted",
    ]
