"""`antiphon parked` on a message that nobody can handle."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import nats

from antiphon.events import subjects
from antiphon.events.subjects import Aggregate
from tests.integration.test_start import Started, antiphon
from tests.servers import until


async def _publish(nats_url: str) -> None:
    connection = await nats.connect(nats_url)
    subject = subjects.command(Aggregate("flow", str(uuid4())), "create")
    await connection.jetstream().publish(subject, b"{no json", headers={subjects.COMMAND_ID: str(uuid4())})
    await connection.close()


def test_parked_messages_are_counted_listed_shown_replayed_and_dropped(running: Started) -> None:
    def asked(*arguments: str) -> str:
        result = antiphon("parked", *arguments, "--data-dir", str(running.data))
        assert result.returncode == 0, result.stderr
        return result.stdout

    assert running.status()["parked"] == 0
    assert asked("list") == ""
    asyncio.run(_publish(running.status()["nats_url"]))
    until(lambda: running.status()["parked"] == 1)
    number = asked("list").split()[0]
    assert "{no json" in asked("show", number)
    assert "published on cmd." in asked("replay", number)
    # It cannot be read now either.
    until(lambda: asked("list").split()[0] > number)
    assert "Parked messages: 1" in antiphon("status", "--data-dir", str(running.data)).stdout
    assert asked("drop", "--all").endswith("dropped\n")
    assert asked("list") == ""
    for arguments in (("drop", number), ("show", number), ("replay", number)):
        result = antiphon("parked", *arguments, "--data-dir", str(running.data))
        assert (result.returncode, result.stderr) == (1, f"there is no parked message {number}\n")
