"""What the gateway refuses, in Prefect's shapes, and what it stays able to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from tests.integration.gateway.house import RUNNING, Addresses, new_run, states

LARGE = "x" * 8_500_000
MISSING = UUID(int=4)


@pytest.fixture
async def caller(addresses: Addresses) -> AsyncIterator[httpx.AsyncClient]:
    async with addresses.running(run_policy, run_projector), addresses.gateway() as found:
        yield found


async def test_what_no_message_can_hold_is_too_large(caller: httpx.AsyncClient) -> None:
    run_id = await new_run(caller)
    line = {"name": "n", "level": 20, "message": LARGE, "timestamp": "2026-01-01T00:00:00Z"}
    for path, body in (
        ("/flows/", {"name": LARGE}),
        (f"/flow_runs/{run_id}/set_state", {"state": {"type": "RUNNING", "message": LARGE}}),
        ("/logs/", [line]),
    ):
        refused = await caller.post(path, json=body)
        assert (refused.status_code, "bytes are taken" in refused.json()["detail"]) == (413, True)
    assert (await caller.post(f"/flow_runs/{run_id}/set_state", json=RUNNING)).status_code == 201
    assert await states(caller, run_id) == ["PENDING", "RUNNING"]


async def test_a_nul_character_in_a_path_is_nothing_that_exists(caller: httpx.AsyncClient) -> None:
    assert (await caller.get("/flows/name/a%00b")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "answer"),
    [
        ("GET", f"/flow_runs/{MISSING}", None, {"detail": "Flow run not found"}),
        ("DELETE", f"/flow_runs/{MISSING}", None, {"detail": "Flow run not found"}),
        ("PATCH", f"/flow_runs/{MISSING}", {"name": "n"}, {"detail": "Flow run not found"}),
        ("GET", f"/flows/{MISSING}", None, {"detail": "Flow not found"}),
        ("DELETE", f"/flows/{MISSING}", None, {"detail": "Flow not found"}),
        ("DELETE", f"/task_runs/{MISSING}", None, {"detail": "Task not found"}),
        (
            "POST",
            f"/flow_runs/{MISSING}/set_state",
            RUNNING,
            {"exception_message": f"Flow run with id {MISSING} not found"},
        ),
    ],
)
async def test_what_is_not_there_is_not_found(
    caller: httpx.AsyncClient, method: str, path: str, body: Any, answer: dict[str, str]
) -> None:
    missing = await caller.request(method, path, json=body)
    assert (missing.status_code, missing.json()) == (404, answer)


async def test_an_input_that_is_there_already_is_a_conflict(caller: httpx.AsyncClient) -> None:
    run_id = await new_run(caller)
    taken, refused = [
        await caller.post(f"/flow_runs/{run_id}/input", json={"key": "k", "value": value}) for value in ("1", "2")
    ]
    assert (taken.status_code, refused.status_code) == (201, 409)
    assert (await caller.get(f"/flow_runs/{run_id}/input/k")).text == "1"
