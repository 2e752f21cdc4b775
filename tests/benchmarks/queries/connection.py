"""One keep-alive connection, as cheap as it can be: what is timed is to be the server's work, not the client's."""

from __future__ import annotations

import gzip
import socket
from typing import Final, Self

import httptools

_TIMEOUT_SECONDS: Final = 120.0
_READ_BYTES: Final = 1 << 18


class Answer:
    """An answer as httptools reports it, part by part."""

    def __init__(self) -> None:
        self.is_complete = False
        self._is_compressed = False
        self._parts: list[bytes] = []

    @property
    def content(self) -> bytes:
        """The body, no longer compressed."""
        body = b"".join(self._parts)
        return gzip.decompress(body) if self._is_compressed else body

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note what tells how to read the body."""
        if name.lower() == b"content-encoding":
            self._is_compressed = value == b"gzip"

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body."""
        self._parts.append(part)

    def on_message_complete(self) -> None:
        """Note the end."""
        self.is_complete = True


class Connection:
    """Sends requests that are bytes already, and reads their answers; waits at most so long for each part of one."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), _TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> tuple[int, Answer]:
        """The status and the whole answer; raises OSError or HttpParserError when there is none."""
        answer = Answer()
        parser = httptools.HttpResponseParser(answer)
        self._socket.sendall(request)
        while not answer.is_complete:
            received = self._socket.recv(_READ_BYTES)
            if not received:
                raise ConnectionResetError("the server ended the connection before its answer")
            parser.feed_data(received)
        return parser.get_status_code(), answer
