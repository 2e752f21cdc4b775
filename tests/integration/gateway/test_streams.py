"""What is observed, read as it happens."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.integration.gateway.house import DEADLINE_SECONDS, Addresses
from tests.integration.gateway.listening import connected, emit, happening, heard, listening
from tests.servers import NatsServer


async def ask(socket: ClientConnection, *, backfill: bool = True, **wanted: Any) -> None:
    """Ask for events as the SDK does."""
    until = (datetime.now(UTC) + timedelta(days=365)).isoformat()
    since = wanted.pop("since", datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    wanted = {"occurred": {"since": since, "until": until}, "id": {"id": []}, "order": "DESC", **wanted}
    await socket.send(json.dumps({"type": "filter", "filter": wanted, "backfill": backfill}))


def names(messages: list[dict[str, Any]]) -> list[str]:
    """The names of the events in messages."""
    assert {message["type"] for message in messages} == {"event"}
    return [message["event"]["event"] for message in messages]


async def test_what_happened_before_and_what_happens_now_come_once_and_in_order(addresses: Addresses) -> None:
    async with listening(addresses) as url:
        # More than a page, and some while the first ones are being read.
        await emit(url, *(happening(f"n.{n}") for n in range(600)))
        async with connected(url, "/events/out") as socket:
            await ask(socket)
            found = await heard(socket, 1)
            await emit(url, *(happening(f"n.{n}") for n in range(600, 900)))
            found += await heard(socket, 899)
        assert names(found) == [f"n.{n}" for n in range(900)]


async def test_an_event_has_all_its_fields_also_those_that_were_left_out(addresses: Addresses) -> None:
    event = happening("bare")
    async with listening(addresses) as url, connected(url, "/events/out") as socket:
        await ask(socket)
        await emit(url, event)
        (message,) = await heard(socket, 1)
    shown = message["event"]
    assert shown.pop("received") >= event["occurred"][:19]
    assert shown.pop("occurred")[:19] == event.pop("occurred")[:19]
    assert shown == {**event, "related": [], "payload": {}, "follows": None}


async def test_only_what_is_asked_for_is_sent(addresses: Addresses) -> None:
    related = [{"prefect.resource.id": "it", "prefect.resource.role": "flow-run"}]
    async with (
        listening(addresses) as url,
        connected(url, "/events/out") as by_name,
        connected(url, "/events/out") as by,
    ):
        await ask(by_name, event={"prefix": ["wanted."], "exclude_name": ["wanted.not"]})
        await ask(by, related={"id": ["it"], "role": ["flow-run"]}, backfill=False)
        await emit(url, happening("before"))
        # Both listen once they have got something.
        while True:
            await emit(url, happening("wanted.first", related=related))
            first = await asyncio.gather(
                *(asyncio.wait_for(socket.recv(), 1) for socket in (by_name, by)), return_exceptions=True
            )
            if not any(isinstance(each, TimeoutError) for each in first):
                break
        await emit(url, happening("unwanted"), happening("wanted.not"), happening("wanted.last", related=related))
        for socket in (by_name, by):
            last = ["wanted.first"]
            while last[-1] == "wanted.first":
                last += names(await heard(socket, 1))
            assert last[-1] == "wanted.last"


async def test_log_lines_are_sent_as_they_arrive(addresses: Addresses) -> None:
    line = {"name": "n", "level": 30, "message": "m", "timestamp": datetime.now(UTC).isoformat(), "task_run_id": None}
    run = "00000000-0000-4000-8000-000000000001"
    lines = [line | {"flow_run_id": None}, line | {"level": 10, "flow_run_id": run}, line | {"flow_run_id": run}]
    async with listening(addresses) as url, connected(url, "/logs/out") as socket, httpx.AsyncClient() as caller:
        wanted = {"level": {"ge_": 20}, "flow_run_id": {"any_": [run]}}
        await socket.send(json.dumps({"type": "filter", "filter": wanted}))
        sending = asyncio.create_task(_again_and_again(caller, url, lines))
        (message,) = await heard(socket, 1)
        sending.cancel()
        await asyncio.wait({sending})
    shown = message["log"]
    assert message["type"] == "log"
    assert (shown["level"], shown["flow_run_id"], shown["message"]) == (30, run, "m")
    assert set(shown) == {*line, "id", "created", "updated", "flow_run_id"}


#: What makes no sense, by the address where it is said: text or bytes.
_NONSENSE: Final[dict[str, tuple[str | bytes, ...]]] = {
    "/events/in": ("x", "[]", "{}", '{"id":1}', "[" * 5000, b"\xff"),
    "/events/out": ("x", "[]", "{}", "[" * 5000, b"\xff", '{"type":"filter","filter":{"occurred":{"since":"x"}}}'),
    "/logs/out": ("x", "[]", "{}", b"\xff"),
    "/task_runs/subscriptions/scheduled": ("x", "[]", "[" * 5000, b"\xff"),
}


async def test_nonsense_ends_a_connection_without_a_word_and_is_no_fault_of_ours(
    addresses: Addresses, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(addresses) as url:
        for path, frames in _NONSENSE.items():
            for frame in frames:
                async with connected(url, path) as socket:
                    await socket.send(frame)
                    with pytest.raises(ConnectionClosed) as ended:
                        await heard(socket, 1)
                    assert ended.value.rcvd is None, (path, frame)
        async with connect(f"ws://{url}/events/in", subprotocols=[Subprotocol("prefect")], proxy=None) as socket:
            await socket.send(b"\xff")
            with pytest.raises(ConnectionClosed):
                await heard(socket, 1)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


async def _again_and_again(caller: httpx.AsyncClient, url: str, lines: list[dict[str, Any]]) -> None:
    """No line is sent twice to a reader: until he listens, none is."""
    while True:
        (await caller.post(f"http://{url}/logs/", json=lines, timeout=DEADLINE_SECONDS)).raise_for_status()
        await asyncio.sleep(0.2)


async def test_a_reader_who_does_not_read_is_cut_off_and_holds_nobody_up(addresses: Addresses) -> None:
    large = {"text": "x" * 200_000}
    async with listening(addresses) as url, connected(url, "/events/out") as reads:
        async with connected(url, "/events/out", max_queue=1, ping_interval=None, compression=None) as sleeps:
            await ask(sleeps, event={"prefix": ["large."]})
            await ask(reads)
            await emit(url, happening("large.first"))
            assert names([*await heard(sleeps, 1), *await heard(reads, 1)]) == ["large.first"] * 2
            for n in range(60):
                await emit(url, *(happening(f"large.{n}", payload=large) for _ in range(3)))
            assert len(await heard(reads, 180)) == 180
            with pytest.raises(ConnectionClosed):
                await heard(sleeps, 180)
        # He comes back, and gets what he missed.
        async with connected(url, "/events/out", max_size=None) as again:
            await ask(again)
            assert len(await heard(again, 181)) == 181


async def test_readers_go_on_when_nats_comes_back(addresses: Addresses, nats_server: NatsServer) -> None:
    async with listening(addresses) as url, connected(url, "/events/out") as socket:
        await ask(socket)
        await emit(url, happening("before"))
        assert names(await heard(socket, 1)) == ["before"]
        nats_server.kill()
        nats_server.start()
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                try:
                    await emit(url, happening("after"))
                    break
                except httpx.HTTPStatusError:
                    await asyncio.sleep(0.1)
        assert names(await heard(socket, 1)) == ["after"]
