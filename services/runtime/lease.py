"""A lease in NATS key-value: one process of a role is active, the others stand by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import APIError, KeyNotFoundError, KeyWrongLastSequenceError

from antiphon.events import subjects
from antiphon.events.log.cancellation import raise_if_cancelled
from antiphon.services.runtime.ids import uuid4

_CHECK_SECONDS: Final = 0.25
#: A holder that does not answer for so long is frozen, or cut off.
_SILENCE_SECONDS: Final = 2.0

_log = structlog.get_logger(__name__)


class LeaseLostError(Exception):
    """Another process has taken the lease."""


class LeaderLease:
    """Chooses the active process. Safety does not depend on it: the log refuses the appends of a second one.

    The value of the key is a subject on which the holder answers. A standby sends requests there: for a process that
    has ended, NATS reports at once that nobody listens. A standby takes the lease by replacing the value it has read.
    """

    def __init__(self, client: Client, role: str) -> None:
        self._client = client
        self._role = role
        self._address = subjects.lease_holder(role, uuid4().hex)

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """Answer the requests of standbys until the block ends."""
        subscription = await self._client.subscribe(self._address, cb=_answer)
        try:
            yield
        finally:
            if not self._client.is_closed:
                await subscription.unsubscribe()

    async def acquire(self) -> None:
        """Wait until this process holds the lease; it must be `answering`."""
        is_first = True
        while not await self._is_taken_over():
            if is_first:
                _log.info("standing by", role=self._role)
            is_first = False
            await asyncio.sleep(_CHECK_SECONDS)
        _log.info("active", role=self._role)

    async def watch(self) -> None:
        """Raise LeaseLostError when another process has taken the lease."""
        while True:
            raise_if_cancelled()
            await asyncio.sleep(_CHECK_SECONDS)
            try:
                holder, _ = await self._holder()
            except (TimeoutError, nats.errors.Error, APIError):
                # Without NATS no process can take it.
                continue
            if holder != self._address:
                raise LeaseLostError(f"another {self._role} is active")

    async def _is_taken_over(self) -> bool:
        try:
            holder, revision = await self._holder()
            if holder != self._address and (not holder or not await self._answers(holder)):
                bucket = await self._client.jetstream().key_value(subjects.LEASES)
                await bucket.update(self._role, self._address.encode(), last=revision)
                return True
        except KeyWrongLastSequenceError:
            # Another standby was quicker.
            return False
        except (TimeoutError, nats.errors.Error, APIError) as error:
            _log.warning("the lease cannot be read", role=self._role, error=repr(error))
            return False
        return holder == self._address

    async def _holder(self) -> tuple[str, int]:
        """The address of the holder, empty where there is none, and the revision of the key."""
        bucket = await self._client.jetstream().key_value(subjects.LEASES)
        try:
            entry = await bucket.get(self._role)
        except KeyNotFoundError:
            return "", 0
        return (entry.value or b"").decode(), entry.revision or 0

    async def _answers(self, holder: str) -> bool:
        try:
            await self._client.request(holder, timeout=_SILENCE_SECONDS)
        except (nats.errors.NoRespondersError, TimeoutError):
            return False
        return True


async def _answer(message: Msg) -> None:
    await message.respond(b"")
