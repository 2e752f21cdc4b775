"""Reads many messages of a JetStream stream by one request (NATS ADR-31), for which nats-py has no function."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final

import nats.errors
import orjson
from nats.aio.client import Client

from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.nats.delivered import Received
from antiphon.events.log.nats.replies import ReplyInbox

_END_OF_BATCH: Final = "204"
_NOT_FOUND: Final = "404"


class DirectGet:
    """Gets messages of one stream. In a cluster any replica may answer, and it may lag behind."""

    def __init__(self, client: Client, stream: str, replies: ReplyInbox, timeout_seconds: float = 5.0) -> None:
        self._client = client
        self._stream = stream
        self._replies = replies
        self._timeout_seconds = timeout_seconds

    async def page(self, request: dict[str, Any]) -> tuple[list[Received], bool]:
        """Messages, and whether they are the last: the server may send fewer than the request asks for.

        Raises LogUnavailableError if there is no answer.
        """
        page: list[Received] = []
        ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def receive(message: Received) -> None:
            status = message.headers.get("Status")
            if status is None:
                page.append(message)
            elif not ended.done():
                if status in (_END_OF_BATCH, _NOT_FOUND):
                    ended.set_result(message.headers.get("Nats-Num-Pending", "0") == "0")
                else:
                    ended.set_exception(LogUnavailableError(f"{self._stream} answered a read with status {status}"))

        reply = self._replies.register(receive)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._replies.open()
                await self._client.publish(f"$JS.API.DIRECT.GET.{self._stream}", orjson.dumps(request), reply=reply)
                is_last = await ended
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise LogUnavailableError(f"{self._stream} did not answer the read {request}: {error!r}") from error
        finally:
            self._replies.forget(reply)
        return page, is_last


def sequence(message: Received) -> int:
    """The sequence of a message in its stream; direct gets return it in a header."""
    return int(message.headers["Nats-Sequence"])


def subject(message: Received) -> str:
    """The subject that a message was published on."""
    return message.headers["Nats-Subject"]


def stored_at(message: Received) -> datetime:
    """The time a message was stored."""
    return datetime.fromisoformat(message.headers["Nats-Time-Stamp"])
