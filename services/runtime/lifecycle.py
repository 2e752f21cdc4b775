"""From the start of a role process to its exit code."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog
import uvloop

from antiphon.services.runtime import logs
from antiphon.services.runtime.settings import Settings

STOPPED: Final = 0
FAILED: Final = 1
STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger(__name__)


def run_role(name: str, run: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    """Run a role until it returns, is asked to stop by SIGTERM or SIGINT (exit 0), or fails (exit 1)."""
    settings = Settings()
    logs.configure(name, settings.log_level, settings.log_format)
    # Collect the garbage of the imports: it would stay frozen.
    gc.collect()
    collect_garbage_rarely()
    sys.exit(uvloop.run(_exit_code(name, run(settings))))


async def until_signalled(work: Coroutine[Any, Any, None], on_signal: Callable[[], None] | None = None) -> None:
    """Run `work` until it returns or raises, or until SIGTERM or SIGINT cancels it, which is no error."""
    running = asyncio.ensure_future(work)
    stopping = asyncio.Event()

    def stop() -> None:
        # A second signal must not cancel the clean-up that the first one began.
        if stopping.is_set():
            return
        stopping.set()
        running.cancel()
        if on_signal is not None:
            on_signal()

    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        await running
    except asyncio.CancelledError:
        if not stopping.is_set():
            raise


def collect_garbage_rarely() -> None:
    """Collect rarely: messages create few reference cycles."""
    # The defaults traverse long-lived objects (folds, routes, modules) every few hundred messages.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _exit_code(name: str, work: Coroutine[Any, Any, None]) -> int:
    log.info("role starts", role=name)
    try:
        await until_signalled(work)
    except Exception:  # the one place: log a bug once and end; the supervisor starts the role again
        log.critical("role failed", role=name, exc_info=True)
        return FAILED
    log.info("role stopped", role=name)
    return STOPPED
