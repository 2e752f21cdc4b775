"""Events as they happen: server-sent events and a WebSocket, from any position of the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Header, WebSocket
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from antiphon.events.client.client import Client
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.record import record
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http import problems
from antiphon.services.gateway.http.problems import ProblemError, invalid
from antiphon.services.gateway.routes.antiphon.selection import Selected, Selection, position_of
from antiphon.services.gateway.streaming.websockets import POLICY_VIOLATION, TRY_AGAIN, while_connected

#: The interval of keep-alives, because proxies close silent connections.
_KEEP_ALIVE_SECONDS: Final = 15.0
_LONGEST_POSITION: Final = 18

_log = structlog.get_logger(__name__)

#: Sends one event, or None as a keep-alive, to a subscriber.
SendItem = Callable[[Recorded | Unreadable | None], Awaitable[None]]


class TooSlowError(Exception):
    """A subscriber took nothing for too long; `position` is the last one that was sent."""

    def __init__(self, position: int) -> None:
        super().__init__(f"You are too slow: nothing was taken for too long. Go on from {position + 1}.")
        self.position = position


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

    async def run(self, send_item: SendItem) -> None:
        """Send events until the gateway stops; raises TooSlowError."""
        events = self._client.subscribe(self._selection.which, self.position + 1)
        async with aclosing(_with_keep_alives(events, self._stopping)) as items:
            async for item in items:
                try:
                    async with asyncio.timeout(self._patience_seconds):
                        await send_item(item)
                except TimeoutError:
                    raise TooSlowError(self.position) from None
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
        raise invalid("Last-Event-ID: it is the position of an event, as it was sent with the event")
    try:
        return await client.first_position(int(last_event_id) + 1)
    except ValueError as error:
        raise invalid(f"Last-Event-ID: {error}") from None


class _EventStream(StreamingResponse):
    """A response that ends when the subscriber leaves or is cut off, or when the gateway stops."""

    def __init__(self, subscription: Subscription) -> None:
        super().__init__(_nothing(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        self._subscription = subscription

    async def stream_response(self, send: Send) -> None:
        """Send the events; cancelled when the subscriber leaves."""

        async def send_item(item: Recorded | Unreadable | None) -> None:
            await write(b":\n\n" if item is None else _event(item))

        async def write(text: bytes, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": text, "more_body": more})

        subscription = self._subscription
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        # A browser that loses its connection before the first event continues from here.
        await write(b"id: %d\n\n" % subscription.position)
        try:
            await subscription.run(send_item)
            await write(b"", more=False)
        except TooSlowError as error:
            await subscription.send_reason(write(_problem(HTTPStatus.REQUEST_TIMEOUT, str(error)), more=False))
        except LogUnavailableError as error:
            _log.warning("a stream ended", error=str(error))
            await write(_problem(HTTPStatus.SERVICE_UNAVAILABLE, "The log does not answer; connect again."), more=False)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _event(item: Recorded | Unreadable) -> bytes:
    name = item.event.TYPE if isinstance(item, Recorded) else "unreadable"
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (item.position, name.encode(), record(item))


def _problem(status: HTTPStatus, detail: str) -> bytes:
    return b"event: problem\ndata: %b\n\n" % problems.body(status, detail)


def routes(gateway: Gateway) -> APIRouter:
    """Server-sent events and the WebSocket."""
    router = APIRouter()

    @router.get("/stream")
    async def server_sent_events(
        selection: Selected, last_event_id: Annotated[str | None, Header()] = None
    ) -> Response:
        return _EventStream(await _subscription(gateway, selection, last_event_id))

    @router.websocket("/stream")
    async def websocket(websocket: WebSocket, selection: Selected) -> None:
        await websocket.accept()
        try:
            subscription = await _subscription(gateway, selection)
        except ProblemError as error:
            await websocket.send_text(_frame("problem", problems.body(error.status, error.detail)))
            await websocket.close(POLICY_VIOLATION, error.detail[:120])
            return
        await while_connected(websocket, _send(websocket, subscription))

    return router


async def _send(websocket: WebSocket, subscription: Subscription) -> None:
    async def send_item(item: Recorded | Unreadable | None) -> None:
        # The server pings by itself.
        if item is not None:
            await websocket.send_text(_frame("event", record(item)))

    async def close(status: HTTPStatus, detail: str) -> None:
        await websocket.send_text(_frame("problem", problems.body(status, detail)))
        await websocket.close(TRY_AGAIN, detail[:120])

    await websocket.send_text(_frame("subscribed", b'{"position":%d}' % subscription.position))
    try:
        await subscription.run(send_item)
    except TooSlowError as error:
        await subscription.send_reason(close(HTTPStatus.REQUEST_TIMEOUT, str(error)))
    except LogUnavailableError:
        await close(HTTPStatus.SERVICE_UNAVAILABLE, "The log does not answer; connect again.")


def _frame(name: str, body: bytes) -> str:
    return f'{{"{name}":{body.decode()}}}'
