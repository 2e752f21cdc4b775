"""Who reads what arrives on OBSERVED."""

from __future__ import annotations

import asyncio

from nats.aio.client import Client

from antiphon.services.gateway.streaming.observation_fanout import ObservationFanout


class _Asking(ObservationFanout[None]):
    """The question where the stream ends loses a cancellation, as nats-py's can."""

    def __init__(self) -> None:
        super().__init__(Client(), ("other",), lambda _: ())
        self.asks = asyncio.Event()

    async def _end(self) -> int:
        self.asks.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return 0
        raise AssertionError


async def test_a_reader_whose_leaving_got_lost_does_not_stay() -> None:
    live = _Asking()

    async def read() -> None:
        async with live.subscribed(lambda _: True) as backlog:
            await backlog.take()

    reading = asyncio.create_task(read())
    await live.asks.wait()
    reading.cancel()
    done, _ = await asyncio.wait({reading}, timeout=20)
    assert done
    assert reading.cancelled()
