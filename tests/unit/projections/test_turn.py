"""Who asks for the turn stops when he is told to."""

from __future__ import annotations

import asyncio

import pytest

from antiphon.projections.rebuild.projector_lock import _repeat_request


async def test_a_cancellation_that_a_question_lost_ends_the_asking() -> None:
    asked = asyncio.Event()

    async def loses_it() -> None:
        asked.set()
        # As `asyncio.wait_for` does when the answer comes at the same moment.
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return

    asking = asyncio.create_task(_repeat_request(loses_it))
    await asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.shield(asking), 20)
