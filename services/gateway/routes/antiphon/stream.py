"""Events as they happen: server-sent events and a WebSocket, from any position of the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Header, HTTPException, Request, WebSocket
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from antiphon.events.client.client import Client
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.record import record
from antiphon.services.gateway.context import Gateway, gateway_of
from antiphon.services.gateway.http import problems
from antiphon.services.gateway.http.errors import unprocessable
from antiphon.services.gateway.routes.antiphon.selection import Selected, Selection, position_of
from antiphon.services.gateway.streaming.websockets import POLICY_VIOLATION, TRY_AGAIN, while_connected

#: The interval of keep-alives, because proxies close silent connections.
_KEEP_ALIVE_SECONDS: Final = 15.0
_LONGEST_POSITION: Final = 18

_log = structlog.get_logger(__name__)

router = APIRouter()

#: Sends one event, or None as a keep-alive, to a subscriber.
SendItem = Callable[[Recorded | Unreadable | None], Awaitable[None]]
#: Sends the reason for the end, and ends the connection.
SendProblem = Callable[[HTTPStatus, str], Awaitable[None]]


class _TooSlowError(Exception):
    """The subscriber took nothing for too long."""


class Subscription:
    """Events for one subscriber at its own pace: the log keeps what it has not taken.

    A subscriber that takes nothing for `patience_seconds` is cut off, and gets the same time again to read the reason.
    """

    def __init__(self, gateway: Gateway, selection: Selection, start: int) -> None:
        self._client = gateway.commands
        self._selection = selection
        self._patience_seconds = gateway.patience_seconds
        self._stopping = gateway.stopping
        #: The last position sent; at first, the one before the start.
        self.position = start - 1

    async def run(self, send_item: SendItem, send_problem: SendProblem) -> bool:
        """Send events; True if the gateway stops, False if it was the subscriber or the log that ended it."""
        try:
            await self._send_all(send_item)
        except _TooSlowError:
            reason = f"You are too slow: nothing was taken for too long. Go on from {self.position + 1}."
            await self.send_reason(send_problem(HTTPStatus.REQUEST_TIMEOUT, reason))
        except LogUnavailableError as error:
            _log.warning("a stream ended", error=str(error))
            await send_problem(HTTPStatus.SERVICE_UNAVAILABLE, "The log does not answer; connect again.")
        else:
            return True
        return False

    async def _send_all(self, send_item: SendItem) -> None:
        events = self._client.subscribe(self._selection.which, self.position + 1)
        async with aclosing(_with_keep_alives(events, self._stopping)) as items:
            async for item in items:
                try:
                    async with asyncio.timeout(self._patience_seconds):
                        await send_item(item)
                except TimeoutError:
                    raise _TooSlowError from None
                if item is not None:
                    self.position = item.position

    async def send_reason(self, reason: Awaitable[None]) -> None:
        """Send the reason for the end to a subscriber that may not read it."""
        try:
            async with asyncio.timeout(self._patience_seconds):
                await reason
        except TimeoutError:
            _log.info("a slow reader was cut off", position=self.position)


async def _with_keep_alives(
    events: AsyncIterator[Recorded | Unreadable], stopping: asyncio.Event
) -> AsyncGenerator[Recorded | Unreadable | None, None]:
    iterator = aiter(events)
    # A task, because cancelling `anext` would end the iterator.
    following = asyncio.ensure_future(anext(iterator))
    ending = asyncio.ensure_future(stopping.wait())
    try:
        while True:
            await asyncio.wait((following, ending), timeout=_KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if stopping.is_set():
                return
            if not following.done():
                yield None
                continue
            yield following.result()
            following = asyncio.ensure_future(anext(iterator))
    finally:
        following.cancel()
        ending.cancel()
        await asyncio.gather(following, ending, return_exceptions=True)


async def _subscription(gateway: Gateway, selection: Selection, after: str | None = None) -> Subscription:
    client = gateway.commands
    if after is not None:
        # A browser sends it after a reconnection; it takes precedence over the start in the address.
        start = await _behind(after, client)
    elif selection.start is not None:
        start = await position_of(selection.start, "from", client.first_position)
    else:
        start = await client.last_position() + 1
    return Subscription(gateway, selection, start)


async def _behind(last_event_id: str, client: Client) -> int:
    # Unlike a position it can be 0: no event was there yet.
    if not last_event_id.isdecimal() or len(last_event_id) > _LONGEST_POSITION:
        raise unprocessable("Last-Event-ID: it is the position of an event, as it was sent with the event")
    try:
        return await client.first_position(int(last_event_id) + 1)
    except ValueError as error:
        raise unprocessable(f"Last-Event-ID: {error}") from None


class _EventStream(StreamingResponse):
    """A response that ends when the subscriber leaves or is cut off, or when the gateway stops."""

    def __init__(self, subscription: Subscription) -> None:
        super().__init__(_nothing(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        self._subscription = subscription

    async def stream_response(self, send: Send) -> None:
        """Send the events; cancelled when the subscriber leaves."""

        async def send_item(item: Recorded | Unreadable | None) -> None:
            await write(b":\n\n" if item is None else _event(item))

        async def send_problem(status: HTTPStatus, detail: str) -> None:
            await write(b"event: problem\ndata: %b\n\n" % problems.body(status, detail), more=False)

        async def write(text: bytes, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": text, "more_body": more})

        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        # A browser that loses its connection before the first event continues from here.
        await write(b"id: %d\n\n" % self._subscription.position)
        if await self._subscription.run(send_item, send_problem):
            await write(b"", more=False)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _event(item: Recorded | Unreadable) -> bytes:
    name = item.event.TYPE if isinstance(item, Recorded) else "unreadable"
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (item.position, name.encode(), record(item))


@router.get("/stream")
async def server_sent_events(
    request: Request, selection: Selected, last_event_id: Annotated[str | None, Header()] = None
) -> Response:
    return _EventStream(await _subscription(gateway_of(request), selection, last_event_id))


@router.websocket("/stream")
async def websocket(websocket: WebSocket, selection: Selected) -> None:
    await websocket.accept()
    try:
        subscription = await _subscription(gateway_of(websocket), selection)
    except HTTPException as error:
        await websocket.send_text(_frame("problem", problems.body(HTTPStatus(error.status_code), error.detail)))
        await websocket.close(POLICY_VIOLATION, error.detail[:120])
        return
    await while_connected(websocket, _send(websocket, subscription))


async def _send(websocket: WebSocket, subscription: Subscription) -> None:
    async def send_item(item: Recorded | Unreadable | None) -> None:
        # The server pings by itself.
        if item is not None:
            await websocket.send_text(_frame("event", record(item)))

    async def send_problem(status: HTTPStatus, detail: str) -> None:
        await websocket.send_text(_frame("problem", problems.body(status, detail)))
        await websocket.close(TRY_AGAIN, detail[:120])

    await websocket.send_text(_frame("subscribed", b'{"position":%d}' % subscription.position))
    await subscription.run(send_item, send_problem)


def _frame(name: str, body: bytes) -> str:
    return f'{{"{name}":{body.decode()}}}'
