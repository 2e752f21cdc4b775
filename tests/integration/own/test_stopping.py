"""A gateway that stops ends what is open properly, and at once."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from contextlib import AsyncExitStack
from typing import Any, Final

import pytest
import websockets
from websockets.typing import Subprotocol

from tests.integration.gateway.house import DEADLINE_SECONDS
from tests.integration.own.served import OWN, Served, sent
from tests.integration.own.test_stream import life, new_flow, publish_large_runs

_SERVICE_RESTART: Final = 1012
#: What Prefect's clients are connected to for as long as they live, and what they say there first.
_SOCKETS: Final[dict[str, dict[str, Any] | None]] = {
    "/api/events/in": None,
    "/api/events/out": {"type": "filter", "filter": {}},
    "/api/logs/out": {"type": "filter", "filter": {}},
    "/api/task_runs/subscriptions/scheduled": {"type": "subscribe", "keys": ["key"], "client_id": "test"},
}


async def stop(served: Served) -> None:
    served.server.cancel()
    await asyncio.wait({served.server})


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What went wrong, such as tasks that had to be cancelled when the time they had was over."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


async def test_open_streams_end_after_the_last_whole_event(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    await life(served, await new_flow(served, "one"))
    url = f"{served.websocket_url}?from=6"
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        served.http.stream("GET", f"{OWN}/stream?from=1") as response,
        websockets.connect(url) as connection,
    ):
        events = sent(response)
        assert [(await anext(events)).id for _ in range(7)] == [str(number) for number in range(7)]
        assert [next(iter(json.loads(await connection.recv()))) for _ in range(2)] == ["subscribed", "event"]
        await stop(served)
        # A response that is cut off raises.
        assert [event async for event in events] == []
        with pytest.raises(websockets.ConnectionClosed):
            await connection.recv()
        assert connection.close_code == _SERVICE_RESTART
    assert complaints(caplog) == []


async def test_prefects_sockets_are_closed_for_a_restart(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(_connected(served, path)) for path in _SOCKETS]
        for connection, first in zip(opened, _SOCKETS.values(), strict=True):
            await connection.send('{"type":"auth","token":null}')
            assert json.loads(await connection.recv()) == {"type": "auth_success"}
            if first is not None:
                await connection.send(json.dumps(first))
            # What was said before is heard before it is answered.
            await (await connection.ping())
        await stop(served)
        for connection in opened:
            with pytest.raises(websockets.ConnectionClosed):
                await connection.recv()
        assert [connection.close_code for connection in opened] == [_SERVICE_RESTART] * len(opened)
    assert complaints(caplog) == []


def _connected(served: Served, path: str) -> websockets.connect:
    url = f"ws://127.0.0.1:{served.port}{path}"
    return websockets.connect(url, subprotocols=[Subprotocol("prefect")])


async def test_a_reader_that_takes_nothing_is_not_waited_for(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    await publish_large_runs(served, 24)
    url = f"{served.websocket_url}?from=1"
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        websockets.connect(url, max_queue=1, max_size=None, compression=None, close_timeout=0.1) as slow,
    ):
        await slow.recv()
        with socket.create_connection(("127.0.0.1", served.port)) as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            reader.sendall(f"GET {OWN}/stream?from=1 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await asyncio.to_thread(reader.recv, 1000)
            await stop(served)
    assert complaints(caplog) == []
