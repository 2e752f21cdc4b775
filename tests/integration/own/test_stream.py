"""State changes as a stream: complete, in order, from any position, filtered, and bounded."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import pytest
import websockets

from antiphon.services.gateway.routes.antiphon.stream import Subscription
from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from tests.integration.gateway.house import DEADLINE_SECONDS, Addresses
from tests.integration.own.served import OWN, Served, sent, serving, take


async def new_flow(served: Served, name: str) -> str:
    return str((await served.http.post("/api/flows/", json={"name": name})).json()["id"])


async def new_run(served: Served, flow_id: str, **fields: Any) -> str:
    body = {"flow_id": flow_id, "state": {"type": "PENDING"}, **fields}
    return str((await served.http.post("/api/flow_runs/", json=body)).json()["id"])


async def move(served: Served, run_id: str, kind: str, **state: Any) -> str:
    body = {"state": {"type": kind, **state}}
    answer = await served.http.post(f"/api/flow_runs/{run_id}/set_state", json=body)
    return str(answer.json()["status"])


async def life(served: Served, flow_id: str, **fields: Any) -> str:
    """A run that ends, and is then refused another life."""
    run_id = await new_run(served, flow_id, **fields)
    for kind in ("RUNNING", "COMPLETED", "CANCELLING"):
        await move(served, run_id, kind)
    return run_id


async def test_everything_is_streamed_once_in_order_and_from_any_position(served: Served) -> None:
    await life(served, await new_flow(served, "one"))
    everything = await take(served.http, 6)
    # The name of the flow, the flow, the run in its initial state, two moves and a refusal.
    assert [event.data["position"] for event in everything] == [1, 2, 3, 4, 5, 6]
    assert [event.id for event in everything] == ["1", "2", "3", "4", "5", "6"]
    assert [event.data["status"] for event in everything[-3:]] == ["ACCEPT", "ACCEPT", "ABORT"]
    assert everything[-1].data["data"]["rule"] == "HandleFlowTerminalStateTransitions"
    for position in range(1, 7):
        rest = await take(served.http, 7 - position, position)
        again = await take(served.http, 7 - position, 999, after=position - 1)
        assert rest == again == everything[position - 1 :]


async def test_what_happens_later_is_streamed_as_it_happens(served: Served) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        async with served.http.stream("GET", f"{OWN}/stream") as response:
            events = sent(response)
            opening = await anext(events)
            assert (opening.id, opening.name) == ("0", "")
            flow_id = await new_flow(served, "live")
            names = [(await anext(events)).name, (await anext(events)).name]
            assert sorted(names) == ["flow.created", "name.claimed"]
            await new_run(served, flow_id)
            assert (await anext(events)).name == "flow_run.state.created"


async def test_a_time_is_a_position_too(served: Served) -> None:
    flow_id = await new_flow(served, "timed")
    first = (await take(served.http, 2))[-1].data
    await life(served, flow_id)
    assert (await take(served.http, 1, first["recorded_at"]))[0].data == first


async def test_filters_give_what_fits_and_nothing_else(served: Served) -> None:
    one, other = await new_flow(served, "one"), await new_flow(served, "other")
    mine = await life(served, one, tags=["a", "b"])
    theirs = await life(served, other, tags=["a"])
    last = await life(served, one, tags=["c"])

    async def ids(count: int, **query: Any) -> list[str]:
        return [event.data["id"] for event in await take(served.http, count, **query)]

    assert await ids(4, kind="flow_run", id=mine) == [mine] * 4
    assert await ids(2, action="refused.aborted", flow=one) == [mine, last]
    assert await ids(3, decision="refused") == [mine, theirs, last]
    assert await ids(2, state_type="RUNNING", tag="a") == [mine, theirs]
    assert await ids(4, tag=["a", "b"]) == [mine] * 4
    assert await ids(9, flow=one) == [one, *[mine] * 4, *[last] * 4]
    assert await ids(2, kind="flow_run", flow=other, decision="accepted") == [theirs] * 2
    # From the middle of a run on, whose beginning was not seen.
    positions = [event.data["position"] for event in await take(served.http, 4, id=theirs)]
    later = await take(served.http, 2, positions[2], flow=other, tag="a")
    assert [event.data["position"] for event in later] == positions[2:]


async def test_tags_are_those_of_the_moment(served: Served) -> None:
    run_id = await new_run(served, await new_flow(served, "tagged"), tags=["old"])
    await served.http.patch(f"/api/flow_runs/{run_id}", json={"tags": ["new"]})
    await move(served, run_id, "RUNNING")
    old = await take(served.http, 1, kind="flow_run", tag="old")
    new = await take(served.http, 2, kind="flow_run", tag="new")
    assert [event.name for event in old] == ["flow_run.state.created"]
    assert [event.name for event in new] == ["flow_run.updated", "flow_run.state.accepted"]
    assert await take(served.http, 1, new[1].data["position"], tag="new") == new[1:]


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ({"from": "0"}, "positions are from 1"),
        ({"from": "soon"}, "neither a position nor a time"),
        ({"from": "2"}, "the log ends at"),
        ({"from": "2999-01-01"}, "in the future"),
        ({"kind": "a.b"}, "kind"),
        ({"kind": "flowrun"}, "there is no kind 'flowrun'"),
        ({"kind": "flow", "action": "state.accepted"}, "no event has the action 'state.accepted'"),
        ({"action": "stat.*"}, "no event has the action 'stat.*'"),
        ({"id": "*"}, "id"),
        ({"flow": "mine"}, "flow"),
        ({"state_type": "LATE"}, "state_type"),
        ({"colour": "blue"}, "colour"),
    ],
)
async def test_what_makes_no_sense_is_a_problem(served: Served, query: dict[str, str], what: str) -> None:
    answer = await served.http.get(f"{OWN}/stream", params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    problem = answer.json()
    assert (problem["status"], problem["title"]) == (422, HTTPStatus(422).phrase)
    assert what in problem["detail"]


async def test_a_resume_token_of_another_log_is_refused(served: Served) -> None:
    answer = await served.http.get(f"{OWN}/stream", headers={"Last-Event-ID": "7"})
    assert (answer.status_code, "the log ends at position 0" in answer.json()["detail"]) == (422, True)


async def test_an_unknown_address_is_a_problem_too(served: Served) -> None:
    answer = await served.http.get(f"{OWN}/nothing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_a_websocket_streams_the_same(served: Served) -> None:
    flow_id = await new_flow(served, "socket")
    await life(served, flow_id)
    expected = [event.data for event in await take(served.http, 2, 2, kind="flow_run")]
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        websockets.connect(f"{served.websocket_url}?from=2&kind=flow_run") as s,
    ):
        assert json.loads(await s.recv()) == {"subscribed": {"position": 1}}
        assert [json.loads(await s.recv())["event"] for _ in range(2)] == expected
        await (await s.ping())


async def test_a_websocket_is_told_what_makes_no_sense(served: Served) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), websockets.connect(f"{served.websocket_url}?from=soon") as s:
        assert json.loads(await s.recv())["problem"]["status"] == 422
        with pytest.raises(websockets.ConnectionClosed):
            await s.recv()
        assert s.close_code == 1008


async def publish_large_runs(served: Served, count: int) -> None:
    flow_id = await new_flow(served, f"large {uuid4()}")
    for _ in range(count):
        await new_run(served, flow_id, parameters={"x": "x" * 450_000})


@pytest.fixture
def given_up(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when a reader took nothing for too long."""
    found, send_reason = asyncio.Event(), Subscription.send_reason

    async def note_and_tell(subscription: Subscription, last_words: Awaitable[None]) -> None:
        found.set()
        await send_reason(subscription, last_words)

    monkeypatch.setattr(Subscription, "send_reason", note_and_tell)
    return found


async def test_a_slow_reader_is_told_where_it_stopped_and_cut_off(
    addresses: Addresses, given_up: asyncio.Event
) -> None:
    async with addresses.running(run_policy, run_projector), serving(addresses, patience_seconds=3.0) as served:
        await publish_large_runs(served, 24)
        with socket.create_connection(("127.0.0.1", served.port)) as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            reader.sendall(f"GET {OWN}/stream?from=1 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await asyncio.wait_for(given_up.wait(), DEADLINE_SECONDS)
            # Others are served meanwhile.
            assert (await served.http.get("/api/health")).status_code == 200
            text = await asyncio.wait_for(asyncio.to_thread(_read_to_the_end, reader), DEADLINE_SECONDS)
    last = text.rindex(b"\nid: ")
    position = int(text[last + 5 :].split(b"\n", 1)[0])
    problem = text[text.index(b"event: problem") :]
    assert b'"status":408' in problem
    assert f"Go on from {position + 1}.".encode() in problem
    assert position < 24 * 2


def _read_to_the_end(reader: socket.socket) -> bytes:
    parts = []
    while part := reader.recv(1_000_000):
        parts.append(part)
        if b"event: problem" in part:
            break
    return b"".join(parts)


async def test_a_slow_websocket_is_told_too(addresses: Addresses, given_up: asyncio.Event) -> None:
    async with addresses.running(run_policy, run_projector), serving(addresses, patience_seconds=3.0) as served:
        await publish_large_runs(served, 24)
        url = f"{served.websocket_url}?from=1"
        async with websockets.connect(url, max_queue=1, max_size=None, compression=None) as s:
            await asyncio.wait_for(given_up.wait(), DEADLINE_SECONDS)
            async with asyncio.timeout(DEADLINE_SECONDS):
                frames = [json.loads(frame) async for frame in _until_closed(s)]
            assert frames[-1]["problem"]["status"] == 408
            last = frames[-2]["event"]["position"]
            assert frames[-1]["problem"]["detail"].endswith(f"Go on from {last + 1}.")
            assert s.close_code == 1013


async def _until_closed(connection: websockets.ClientConnection) -> Any:
    while True:
        try:
            yield await connection.recv()
        except websockets.ConnectionClosed:
            return
