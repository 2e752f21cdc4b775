"""Writes what follows from the log to another stream, each message once.

How far the log was read is kept in that stream itself, by a message of the same atomic batch: after a crash both are
there or neither. Its expected sequence fences a second process that does the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import nats.errors
import orjson
from nats.aio.client import Client
from nats.js.errors import APIError, NotFoundError

from events import subjects
from events.log.batch import Outgoing, publish_batch
from events.log.direct_get import DirectGet, sequence
from events.log.errors import ConflictError, LogUnavailableError
from events.log.replies import ReplyInbox

_WRONG_LAST_SEQUENCE: Final = 10071
#: JetStream takes up to 1000 messages in one atomic batch, the cursor included.
MOST_MESSAGES: Final = 500


class Relay:
    """A writer to one stream, and its cursor over EVENTS."""

    def __init__(self, client: Client, stream: str, reader: str, *, timeout_seconds: float = 10.0) -> None:
        self._client = client
        self._stream = stream
        self._subject = subjects.cursor(stream, reader)
        self._replies = ReplyInbox(client)
        self._timeout_seconds = timeout_seconds
        self._cursor = 0

    async def position(self) -> int | None:
        """The last position of the log whose effects are written; None where no cursor is left.

        To be called before the first `advance`, and after one that failed.
        """
        try:
            found = await self._client.jetstream().get_last_msg(self._stream, self._subject)
        except NotFoundError:
            self._cursor = 0
            return None
        except (TimeoutError, nats.errors.Error, APIError) as error:
            raise LogUnavailableError(f"{self._stream} did not say how far it is: {error!r}") from error
        self._cursor = int(found.seq or 0)
        return int(found.data or b"0")

    async def position_before(self, moment: datetime) -> int:
        """The position of the last event in the log that was recorded before `moment`."""
        try:
            end = (await self._client.jetstream().stream_info(subjects.EVENTS)).state.last_seq
        except (TimeoutError, nats.errors.Error, APIError) as error:
            raise LogUnavailableError(f"the log did not say where it ends: {error!r}") from error
        request = {"start_time": moment.isoformat(), "next_by_subj": ">", "batch": 1}
        page, _ = await DirectGet(self._client, subjects.EVENTS, self._replies).page(request)
        return sequence(page[0]) - 1 if page else end

    async def advance(self, messages: Sequence[Outgoing], position: int) -> None:
        """Write the messages (at most MOST_MESSAGES), and that everything up to `position` is written.

        Raises ConflictError when somebody else has advanced, LogUnavailableError when it is not known whether it was
        written; in both cases ask for the `position` again.
        """
        headers = {"Nats-Expected-Last-Subject-Sequence": str(self._cursor)}
        batch = [*messages, (self._subject, headers, str(position).encode())]
        reply, acknowledged = self._replies.expect()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._replies.open()
                await publish_batch(self._client, batch, reply)
                self._cursor = _sequence((await acknowledged).data)
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise LogUnavailableError(f"{self._stream} did not take {len(messages)} messages: {error!r}") from error
        finally:
            self._replies.forget(reply)


def _sequence(acknowledgement: bytes) -> int:
    answer: dict[str, Any] = orjson.loads(acknowledgement)
    error = answer.get("error")
    if error is None:
        return int(answer["seq"])
    if error.get("err_code") == _WRONG_LAST_SEQUENCE:
        raise ConflictError(error["description"])
    raise LogUnavailableError(f"a batch was refused: {error}")
