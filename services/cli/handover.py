"""Requests the lock of a running projector."""

from __future__ import annotations

from typing import Final

import nats.errors
from nats.aio.client import Client

from antiphon.events import subjects
from antiphon.projections.engine.projection import NAME
from antiphon.projections.rebuild.projector_lock import RequestHandover

_ANSWER_SECONDS: Final = 5.0


def request_handover(client: Client) -> RequestHandover:
    """One request may be in vain, because of a large batch or a restart: the caller repeats it."""

    async def ask() -> None:
        try:
            await client.request(subjects.projection_yield(NAME), timeout=_ANSWER_SECONDS)
        except (nats.errors.NoRespondersError, TimeoutError):
            return

    return ask
