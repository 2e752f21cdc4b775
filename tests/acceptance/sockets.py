"""Talks over `/events/in`: what a client sends, and everything the server says to it."""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.acceptance.server import Server

#: How long a server that says nothing is listened to.
_SILENCE_SECONDS = 0.5
#: Talks at one time: most of their time is silence.
_AT_ONCE = 8
AUTHENTICATE = '{"type": "auth", "token": null}'


def events_in(server: Server, *, path: str = "/events/in", subprotocol: str | None = "prefect") -> ClientConnection:
    """Connect as the SDK does."""
    url = server.api_url.replace("http:", "ws:") + path
    offered = None if subprotocol is None else [Subprotocol(subprotocol)]
    return connect(url, subprotocols=offered, open_timeout=10, close_timeout=5, proxy=None)


def transcript(server: Server, frames: Iterable[str | bytes], **options: Any) -> list[str]:
    """Send the frames, then a ping, and return what came back in order."""
    try:
        connection = events_in(server, **options)
    except InvalidStatus as refused:
        return [f"refused: {refused.response.status_code}"]
    except InvalidHandshake as refused:
        return [f"refused: {type(refused).__name__}"]
    with connection:
        said = [f"accepted: {connection.subprotocol}"]
        try:
            for frame in frames:
                connection.send(frame)
                said += _heard(connection)
            said.append("pong" if connection.ping().wait(5) else "no pong")
            said += _heard(connection)
        except ConnectionClosed as closed:
            said.append(f"closed: {closed.rcvd.code} {closed.rcvd.reason}" if closed.rcvd else "closed abnormally")
        return said


def transcripts(server: Server, talks: Mapping[str, tuple[list[str | bytes], dict[str, Any]]]) -> dict[str, list[str]]:
    """Hold several talks."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        held = threads.map(lambda talk: transcript(server, talk[0], **talk[1]), talks.values())
        return dict(zip(talks, held, strict=True))


def _heard(connection: ClientConnection) -> list[str]:
    try:
        return [f"said: {json.loads(connection.recv(_SILENCE_SECONDS))}"]
    except TimeoutError:
        return []
