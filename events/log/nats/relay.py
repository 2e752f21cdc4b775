"""Writes messages that are derived from the log to another stream, each once.

The position in the log is a message of that stream too, in the same atomic batch: after a crash both are there, or
neither. Its expected sequence fences a second process with the same cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import nats.errors
from nats.aio.client import Client
from nats.js.errors import APIError, NotFoundError

from antiphon.events import subjects
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.nats.batch import store
from antiphon.events.log.nats.connection import Outgoing
from antiphon.events.log.nats.replies import ReplyInbox

#: JetStream takes up to 1000 messages in one atomic batch, the cursor included.
MAX_MESSAGES: Final = 500


class Relay:
    """Writes to one stream, and keeps a cursor over EVENTS there."""

    def __init__(self, client: Client, stream: str, reader: str, *, timeout_seconds: float = 10.0) -> None:
        self._client = client
        self._stream = stream
        self._subject = subjects.cursor(stream, reader)
        self._replies = ReplyInbox(client)
        self._timeout_seconds = timeout_seconds
        self._cursor = 0

    async def position(self) -> int | None:
        """The last position of the log whose messages are written; None if there is no cursor.

        Call it before the first `advance`, and after one that failed.
        """
        try:
            found = await self._client.jetstream().get_last_msg(self._stream, self._subject)
        except NotFoundError:
            self._cursor = 0
            return None
        except (TimeoutError, nats.errors.Error, APIError) as error:
            raise LogUnavailableError(f"{self._stream} did not return its cursor: {error!r}") from error
        self._cursor = int(found.seq or 0)
        return int(found.data or b"0")

    async def advance(self, messages: Sequence[Outgoing], position: int) -> None:
        """Write the messages (at most MAX_MESSAGES), and the position up to which all are written.

        Raises ConflictError if another process has advanced, LogUnavailableError if it is not known whether the
        messages are written; in both cases read the `position` again.
        """
        headers = {"Nats-Expected-Last-Subject-Sequence": str(self._cursor)}
        batch = [*messages, (self._subject, headers, str(position).encode())]
        self._cursor = await store(self._client, self._replies, batch, self._timeout_seconds)
