"""A role that connects, says so, and waits; it fails at once while the file named by WAITING_FAILS exists."""

import asyncio
import os
from pathlib import Path

import structlog

from antiphon.services.runtime.lifecycle import run_role
from antiphon.services.runtime.nats import application
from antiphon.services.runtime.settings import Settings

_FAILS = Path(os.environ["WAITING_FAILS"])


class OutOfOrderError(Exception):
    """It was told to fail."""


async def run(settings: Settings) -> None:
    """Wait until asked to stop."""
    async with application(settings, "waiting"):
        if _FAILS.exists():  # noqa: ASYNC240  # a test may block
            raise OutOfOrderError
        structlog.get_logger().info("role waits")
        await asyncio.Event().wait()


if __name__ == "__main__":
    run_role("waiting", run)
