"""Follow log lines with the SDK's own subscriber."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import LogCreate
from prefect.client.schemas.filters import LogFilter, LogFilterLevel
from prefect.client.schemas.objects import Log
from prefect.logging.clients import PrefectLogsSubscriber

from tests.acceptance.say import say

_PROBE: Final = "probe"


@flow(name="log-stream:flow", flow_run_name="the talker")
def talk() -> None:
    """Say something."""
    logger = get_run_logger()
    logger.debug("not shown")
    logger.warning("shown")
    logger.error("shown as well: %s", "é")


async def others() -> None:
    """Lines of no run at all."""
    now = datetime.now(UTC)
    lines = [LogCreate(name="other", level=level, message=f"level {level}", timestamp=now) for level in (20, 30, 50)]
    lines.append(LogCreate(name="task", level=40, message="of a task", timestamp=now, task_run_id=uuid4()))
    async with get_client() as client:
        await client.create_logs(lines)


async def until_heard(subscriber: PrefectLogsSubscriber) -> None:
    """Nothing says that a subscription has begun, and what was said before it is not heard."""
    async with get_client() as client, asyncio.timeout(60):
        hearing = asyncio.ensure_future(anext(subscriber))
        while not hearing.done():
            await client.create_logs([LogCreate(name=_PROBE, level=50, message="?", timestamp=datetime.now(UTC))])
            await asyncio.wait({hearing}, timeout=0.3)


async def main() -> None:
    """Talk while listening."""
    async with PrefectLogsSubscriber(filter=LogFilter(level=LogFilterLevel(ge_=logging.WARNING))) as subscriber:
        await until_heard(subscriber)
        await asyncio.to_thread(talk)
        await others()
        lines: list[Log] = []
        async with asyncio.timeout(60):
            while len(lines) < 5:
                line = await anext(subscriber)
                lines += [line] if line.name != _PROBE else []
    # The flow's lines are sent in the background.
    for line in sorted(lines, key=lambda line: (line.name, line.level)):
        say("line", line.model_dump_json())


if __name__ == "__main__":
    asyncio.run(main())
