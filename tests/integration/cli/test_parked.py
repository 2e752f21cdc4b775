"""`antiphon parked` on a message that nobody can handle."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from functools import partial
from uuid import uuid4

import nats
import pytest

from antiphon.events import subjects
from antiphon.events.subjects import Aggregate
from tests.integration.test_start import Started, antiphon, started
from tests.servers import open_folder, until


async def _publish(nats_url: str, subject: str, times: int = 1) -> None:
    connection = await nats.connect(nats_url)
    for _ in range(times):
        await connection.jetstream().publish(subject, b"{no json", headers={subjects.COMMAND_ID: str(uuid4())})
    await connection.close()


def _said(running: Started, *arguments: str) -> str:
    result = antiphon("parked", *arguments, "--data-dir", str(running.data))
    assert result.returncode == 0, result.stderr
    return result.stdout


def _listed(running: Started, *arguments: str) -> list[str]:
    """The numbers of the listed messages, without the table above them."""
    return re.findall(r"^ *(\d+)  .* bytes: ", _said(running, "list", *arguments), re.MULTILINE)


def test_parked_messages_are_counted_listed_shown_replayed_and_dropped(running: Started) -> None:
    asked = partial(_said, running)
    assert running.status()["parked"] == 0
    assert asked("list") == ""
    subject = subjects.command(Aggregate("flow", str(uuid4())), "create")
    asyncio.run(_publish(running.status()["nats_url"], subject))
    until(lambda: running.status()["parked"] == 1)
    (number,) = _listed(running)
    assert "{no json" in asked("show", number)
    assert "published on cmd." in asked("replay", number)
    # It cannot be read now either.
    until(lambda: _listed(running) > [number])
    assert "Parked messages: 1" in antiphon("status", "--data-dir", str(running.data)).stdout
    assert asked("drop", "--all") == "1 messages are dropped\n"
    assert asked("list") == ""
    for arguments in (("drop", number), ("show", number), ("replay", number)):
        result = antiphon("parked", *arguments, "--data-dir", str(running.data))
        assert (result.returncode, result.stderr) == (1, f"there is no parked message {number}\n")


def test_the_list_is_a_page_below_the_numbers_by_reason_and_kind(running: Started) -> None:
    subject = subjects.command(Aggregate("flow_run", str(uuid4())), "set_state")
    asyncio.run(_publish(running.status()["nats_url"], subject, times=5))
    until(lambda: running.status()["parked"] == 5)
    assert re.search(r"^5 unreadable cmd\.flow_run\.> for the policy", _said(running, "list"))
    first = _listed(running, "--limit", "3")
    second = _listed(running, "--limit", "3", "--after", first[-1])
    assert (len(first), len(second), sorted({*first, *second}, key=int)) == (3, 2, [*first, *second])
    assert _said(running, "replay", "--all") == "5 messages are published again\n"
    until(lambda: len(_listed(running)) == 5)
    assert _said(running, "drop", "--all") == "5 messages are dropped\n"


@pytest.fixture(scope="module")
def damaged() -> Iterator[Started]:
    """An installation of its own: its log keeps what nobody can read."""
    with open_folder() as folder, started(folder / "data") as subject:
        yield subject


def test_what_waits_is_seen_everywhere_until_it_is_healed(damaged: Started) -> None:
    running = damaged
    subject = f"evt.flow_run.{uuid4()}.state.accepted"
    stream = subjects.stream_of(subject)
    asyncio.run(_publish(running.status()["nats_url"], subject, times=3))

    def waits() -> tuple[int, int]:
        found = running.status()
        return found["parked_event_streams"], found["parked_waiting_events"]

    until(lambda: waits() == (1, 2))
    assert _said(running, "drop", "--all").endswith(" messages are dropped\n")
    result = antiphon("rebuild", "--data-dir", str(running.data))
    assert result.returncode == 0, result.stderr
    assert waits() == (1, 2)
    assert "Parked event streams: 1, and 2 events wait" in antiphon("status", "--data-dir", str(running.data)).stdout
    assert "2 events wait: " in _said(running, "streams")
    assert stream in _said(running, "streams")
    assert re.search(r"^1 event streams of flow_run .* unreadable; 2 events wait", _said(running, "list"), re.MULTILINE)
    findings = json.loads(antiphon("doctor", "--json", "--data-dir", str(running.data)).stdout)
    (finding,) = [item for item in findings if item["subject"] == "parked event streams"]
    assert (finding["severity"], finding["found"]) == ("warning", "1, with 2 events that wait")
    for arguments in (("heal", stream), ("heal", "--all")):
        healed = antiphon("parked", *arguments, "--data-dir", str(running.data))
        assert (healed.returncode, f"{stream} still waits: position" in healed.stderr) == (1, True)
    unknown = antiphon("parked", "heal", f"evt.flow_run.{uuid4()}", "--data-dir", str(running.data))
    assert (unknown.returncode, "does not wait" in unknown.stderr) == (1, True)
    assert waits() == (1, 2)
