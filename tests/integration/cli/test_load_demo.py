"""A server that is filled with made-up runs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.integration.test_start import Started, antiphon


def _asked(running: Started, path: str, body: dict[str, Any]) -> Any:
    answer = httpx.post(f"{running.api_url}/flow_runs/{path}", json=body, timeout=30)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


def test_made_up_runs_are_there_when_it_ends_and_can_go_on(running: Started) -> None:
    before = _asked(running, "count", {})
    result = antiphon("load-demo", "--runs", "700", "--data-dir", str(running.data))
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r"Loaded 700 flow runs \([\d,]+ events\) in [\d.]+ s: [\d,]+ runs/s\n", result.stdout)
    assert _asked(running, "count", {}) == before + 700
    assert antiphon("verify", "--data-dir", str(running.data)).returncode == 0
    assert "0 messages" in antiphon("doctor", "--data-dir", str(running.data)).stdout

    now = datetime.now(UTC)
    month = {"history_start": str(now - timedelta(days=31)), "history_end": str(now + timedelta(days=2))}
    found = _asked(running, "history", month | {"history_interval_seconds": 86_400})
    days = [{state["state_name"]: state["count_runs"] for state in day["states"]} for day in found]
    assert sum(sum(day.values()) for day in days) >= 700
    assert all("Completed" in day for day in days[2:29])
    assert "Scheduled" in days[31]

    # It is a run like any other.
    scheduled = {"flow_runs": {"state": {"name": {"any_": ["Scheduled"]}}, "deployment_id": {"is_null_": False}}}
    run = _asked(running, "filter", scheduled | {"limit": 1})[0]
    assert run["name"]
    assert run["parameters"]["day"]
    moved = _asked(running, f"{run['id']}/set_state", {"state": {"type": "PENDING"}, "force": True})
    assert (moved["status"], moved["state"]["type"]) == ("ACCEPT", "PENDING")


def test_the_flows_are_made_once(running: Started) -> None:
    for _ in range(2):
        assert antiphon("load-demo", "--runs", "10", "--data-dir", str(running.data)).returncode == 0
    flows = httpx.post(f"{running.api_url}/flows/filter", json={}, timeout=30).json()
    assert [flow["name"] for flow in flows].count("ingest-orders") == 1


def test_without_a_server_it_is_one_sentence(running: Started) -> None:
    result = antiphon("load-demo", "--data-dir", str(running.data), "--nats-url", "nats://127.0.0.1:1")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "NATS at nats://127.0.0.1:1 cannot be used: Connection refused\n"
