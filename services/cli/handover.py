"""Asks the projector, if there is one, to let go of its turn."""

from __future__ import annotations

from typing import Final

import nats.errors
from nats.aio.client import Client

from antiphon.events import subjects
from antiphon.projections.engine.projection import NAME
from antiphon.projections.rebuild.projector_lock import MakeWay

_ANSWER_SECONDS: Final = 5.0


def asking(client: Client) -> MakeWay:
    """It may be at a large batch, or be another one by now: whoever asks does it again."""

    async def ask() -> None:
        try:
            await client.request(subjects.projection_yield(NAME), timeout=_ANSWER_SECONDS)
        except (nats.errors.NoRespondersError, TimeoutError):
            return

    return ask
