"""Has the turn of a projection for a while, in place of the projector (docs/adr/0018)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from psycopg import AsyncConnection

from antiphon.events.log.cancellation import raise_if_cancelled
from antiphon.projections.engine.writer import give_turn_back, take_turn

#: Asks whoever has the turn to let it go.
MakeWay = Callable[[], Awaitable[None]]

#: Whoever had the turn may have taken it again before we stood in line.
_ASK_AGAIN_SECONDS: Final = 0.5


async def nobody_has_it() -> None:
    """A `MakeWay` where there is no projector, or one that ends by itself."""


@asynccontextmanager
async def having_turn(connection: AsyncConnection[Any], name: str, make_way: MakeWay) -> AsyncIterator[None]:
    """While the block lasts nobody else projects: its readers wait for what comes meanwhile."""
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(_ask_again_and_again(make_way))
        await take_turn(connection, name)
        asking.cancel()
    yield
    await give_turn_back(connection, name)


async def _ask_again_and_again(make_way: MakeWay) -> None:
    while True:
        await make_way()
        # Else a rebuild whose database went away would ask for ever.
        raise_if_cancelled()
        await asyncio.sleep(_ASK_AGAIN_SECONDS)
