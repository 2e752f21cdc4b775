"""A log that is not the one in the archive is not served, and what the archive has of it comes back."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import nats
import psutil
import pytest

from antiphon.client import Client, CreateFlow, LogUnavailableError
from antiphon.events.log.nats.provision import provision
from tests.acceptance.server import free_port
from tests.integration.test_start import Started, antiphon, started


def _flow(api_url: str, name: str) -> str:
    answer = httpx.post(f"{api_url}/flows/", json={"name": name}, timeout=30)
    answer.raise_for_status()
    return str(answer.json()["id"])


def _names(api_url: str) -> set[str]:
    found = httpx.post(f"{api_url}/flows/filter", json={}, timeout=30)
    found.raise_for_status()
    return {flow["name"] for flow in found.json()}


@pytest.fixture
def stores(open_path: Path) -> tuple[Path, Path]:
    """A stopped Antiphon with two flows, and a copy of its log from when it had one."""
    data, copy = open_path / "data", open_path / "copy"
    with started(data) as subject:
        _flow(subject.api_url, "early")
    shutil.copytree(data / "nats", copy)
    with started(data) as subject:
        _flow(subject.api_url, "late")
    return data, copy


def _refused(data: Path) -> str:
    result = antiphon("start", "--data-dir", str(data), "--port", str(free_port()))
    assert result.returncode == 2, result.stdout
    return result.stderr.splitlines()[-1]


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_lost_log_and_an_older_one_are_not_served_and_are_repaired(stores: tuple[Path, Path], is_lost: bool) -> None:  # noqa: FBT001
    data, copy = stores
    shutil.move(data / "nats", data.with_name("moved"))
    if not is_lost:
        shutil.copytree(copy, data / "nats")
    end = 0 if is_lost else 2
    why = _refused(data)
    assert why.startswith(f"Antiphon cannot start: This log cannot be served: the log ends at position {end}")
    assert "antiphon repair" in why
    with started(data, None, "--role", "projector"):
        repaired = antiphon("repair", "--data-dir", str(data))
        assert repaired.returncode == 0, repaired.stderr
    with started(data) as subject:
        assert _names(subject.api_url) == {"early", "late"}
        _flow(subject.api_url, "after")
        assert _names(subject.api_url) == {"early", "late", "after"}


def test_another_log_is_not_served(stores: tuple[Path, Path], open_path: Path) -> None:
    data, _ = stores
    (open_path / "other").mkdir()
    with started(open_path / "other" / "data") as other:
        for number in range(3):
            _flow(other.api_url, f"other {number}")
    shutil.rmtree(data / "nats")
    shutil.copytree(open_path / "other" / "data" / "nats", data / "nats")
    assert "the log has another message at position 4 than its archive" in _refused(data)


@pytest.fixture
def served(stores: tuple[Path, Path]) -> Iterator[tuple[Started, Path]]:
    """A running Antiphon with two flows, and a copy of its log from when it had one."""
    data, copy = stores
    with started(data) as subject:
        yield subject, copy


@pytest.mark.parametrize("is_empty", [True, False])
async def test_a_running_antiphon_stops_serving_when_its_log_comes_back_shorter(
    served: tuple[Started, Path],
    is_empty: bool,  # noqa: FBT001
) -> None:
    subject, copy = served
    assert _names(subject.api_url) == {"early", "late"}
    run = json.loads((subject.data / "run.json").read_text())
    (pid,) = [server["pid"] for server in run["servers"] if server["name"] == "nats-server"]
    server = psutil.Process(pid)
    store = subject.data / "nats"
    # The supervisor starts it again only when it has ended.
    server.suspend()
    shutil.rmtree(store / "store", ignore_errors=True)
    if not is_empty:
        shutil.copytree(copy / "store", store / "store")
    server.kill()
    host = subject.api_url.removesuffix("/api")
    async with asyncio.timeout(60), httpx.AsyncClient(base_url=host, timeout=30) as http:
        connection = await nats.connect(run["nats_url"], max_reconnect_attempts=-1)
        # An operator makes the streams again, or they came with the copy.
        await provision(connection)
        while "was written once" not in (await http.get("/readyz")).text:
            await asyncio.sleep(0.1)
        assert (await http.post("/api/flows/filter", json={})).status_code == 503
        client = Client(connection, timeout_seconds=3)
        with pytest.raises(LogUnavailableError):
            await client.decide(uuid4(), CreateFlow(data={"name": "forked"}))
        assert await client.last_position() == (0 if is_empty else 2)
        await connection.close()
