"""What an auditor asks the log."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from antiphon.services.runtime.embedded import child
from tests.integration.test_start import _ANTIPHON, _ENVIRONMENT, Started, antiphon


@pytest.fixture
def run_id(running: Started) -> str:
    """A run that was completed, and was then refused another life."""
    with httpx.Client(base_url=running.api_url, timeout=30) as api:
        flow = api.post("/flows/", json={"name": f"flow {uuid4()}"}).json()["id"]
        found = api.post("/flow_runs/", json={"flow_id": flow, "state": {"type": "PENDING"}}).json()["id"]
        for kind in ("RUNNING", "COMPLETED", "CANCELLING"):
            api.post(f"/flow_runs/{found}/set_state", json={"state": {"type": kind}}).raise_for_status()
    return str(found)


def asked(running: Started, *arguments: str) -> str:
    result = antiphon(*arguments, "--data-dir", str(running.data))
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return result.stdout


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_show_tells_every_decision_with_its_reason_and_cause(running: Started, run_id: str) -> None:
    text = asked(running, "show", run_id)
    for words in (": Pending", "ACCEPT Running", "ACCEPT Completed", "ABORT Cancelling: HandleFlowTerminalState"):
        assert words in text
    assert text.count("command ") == 4
    found = records(asked(running, "show", run_id, "--output", "ndjson"))
    assert [item["status"] for item in found] == [None, "ACCEPT", "ACCEPT", "ABORT"]


def test_replay_goes_from_one_place_to_another(running: Started, run_id: str) -> None:
    everything = records(asked(running, "replay", "--id", run_id, "--output", "ndjson"))
    assert [item["id"] for item in everything] == [run_id] * 4
    places = [(everything[1]["position"], everything[2]["position"])]
    places += [(everything[1]["recorded_at"], everything[2]["recorded_at"])]
    for first, last in places:
        part = asked(running, "replay", "--from", str(first), "--to", str(last), "--id", run_id, "--output", "ndjson")
        found = records(part)
        assert found == everything[1:3]
    refused = asked(running, "replay", "--id", run_id, "--decision", "refused")
    assert refused.split()[0] == str(everything[3]["position"])
    assert asked(running, "replay", "--id", run_id, "--state-type", "RUNNING").count("\n") == 1
    behind = antiphon("replay", "--from", "999999", "--data-dir", str(running.data))
    assert (behind.returncode, "the log ends at position" in behind.stderr) == (1, True)


def test_export_is_a_table_too(running: Started, run_id: str, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(asked(running, "export", "--id", run_id, "--format", "csv"))))
    assert [row["status"] for row in rows] == ["", "ACCEPT", "ACCEPT", "ABORT"]
    assert (rows[-1]["proposed_state"], rows[-1]["rule"]) == ("Cancelling", "HandleFlowTerminalStateTransitions")
    assert json.loads(rows[0]["data"])["flow_id"]
    file = tmp_path / "export.ndjson"
    result = antiphon("export", "--id", run_id, "--file", str(file), "--data-dir", str(running.data))
    assert (result.returncode, result.stdout) == (0, "")
    assert "4 events" in result.stderr
    assert records(file.read_text()) == records(asked(running, "replay", "--id", run_id, "--output", "ndjson"))


def test_diff_tells_what_changed(running: Started, run_id: str) -> None:
    places = [str(item["position"]) for item in records(asked(running, "show", run_id, "--output", "ndjson"))]
    text = asked(running, "diff", run_id, places[0], places[1])
    assert 'state_name: "Pending" -> "Running"' in text
    assert "run_count: 0 -> 1" in text
    assert 'states: ["Pending"] -> ["Pending","Running"]' in text
    assert "flow_id" not in text
    born = asked(running, "diff", run_id, "1", places[0])
    assert "name: (not there) -> " in born
    same = antiphon("diff", run_id, places[2], places[3], "--data-dir", str(running.data))
    assert (same.returncode, same.stdout) == (0, "")
    assert "no change" in same.stderr


def test_diff_tells_of_task_runs_too(running: Started, run_id: str) -> None:
    body = {"flow_run_id": run_id, "task_key": "t", "dynamic_key": "0", "state": {"type": "PENDING"}}
    with httpx.Client(base_url=running.api_url, timeout=30) as api:
        task_run = api.post("/task_runs/", json=body).raise_for_status().json()["id"]
        api.post(f"/task_runs/{task_run}/set_state", json={"state": {"type": "COMPLETED"}}).raise_for_status()
    places = [str(item["position"]) for item in records(asked(running, "show", task_run, "--output", "ndjson"))]
    assert 'states: ["Pending"] -> ["Pending","Completed"]' in asked(running, "diff", task_run, places[0], places[1])
    unknown = antiphon("diff", str(uuid4()), "1", "2", "--data-dir", str(running.data))
    assert unknown.returncode == 1
    assert "is not in the log" in unknown.stderr


def test_tail_shows_what_happens_until_ctrl_c(running: Started, run_id: str) -> None:
    command = [_ANTIPHON, "tail", "--id", run_id, "--output", "ndjson", "--data-dir", str(running.data), "--from", "1"]
    command = child.ending_with_parent(command)
    with subprocess.Popen(command, env=_ENVIRONMENT, stdout=subprocess.PIPE, text=True) as tail:  # noqa: S603
        try:
            assert tail.stdout is not None
            seen = [json.loads(tail.stdout.readline()) for _ in range(4)]
            httpx.delete(f"{running.api_url}/flow_runs/{run_id}").raise_for_status()
            seen.append(json.loads(tail.stdout.readline()))
            tail.send_signal(2)
            assert tail.wait(20) == 0
        finally:
            # Else the end of the block waits for the process, also after a time-out.
            tail.kill()
    assert seen[-1]["type"] == "flow_run.deleted"


def test_readers_may_have_had_enough(running: Started, run_id: str) -> None:
    command = [
        "bash",
        "-o",
        "pipefail",
        "-c",
        f"{_ANTIPHON} replay --output ndjson --data-dir {running.data} | head -1",
    ]
    result = subprocess.run(command, env=_ENVIRONMENT, capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
    assert (len(result.stdout.splitlines()), result.stderr) == (1, "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show", str(uuid4())), "is not in the log"),
        (("replay", "--nats-url", "nats://127.0.0.1:1"), "127.0.0.1:1"),
    ],
)
def test_what_cannot_be_told_is_one_sentence_and_exit_code_1(
    running: Started, arguments: tuple[str, ...], sentence: str
) -> None:
    result = antiphon(*arguments, "--data-dir", str(running.data))
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert sentence in result.stderr


def test_a_place_that_is_none_is_refused(running: Started) -> None:
    result = antiphon("replay", "--from", "soon", "--data-dir", str(running.data))
    assert result.returncode == 2
    assert "neither a position nor a time" in result.stderr


@pytest.mark.parametrize(
    ("options", "code", "why"),
    [
        (("--from", "999999"), 1, "the log ends at position"),
        (("--from", "2999-01-01"), 1, "is in the future"),
        (("--kind", "flowrun"), 2, "there is no kind 'flowrun'"),
        (("--kind", "flow", "--action", "state.*"), 2, "no event has the action"),
        (("--id", "a.b"), 2, "no id is 'a.b'"),
    ],
)
def test_tail_refuses_what_can_never_come(running: Started, options: tuple[str, str], code: int, why: str) -> None:
    result = antiphon("tail", *options, "--data-dir", str(running.data))
    assert (result.returncode, result.stdout) == (code, "")
    assert why in " ".join(result.stderr.replace("│", " ").split())
