"""Cancellations that got lost."""

from __future__ import annotations

import asyncio


def raise_if_cancelled() -> None:
    """End the current task if it was asked to end.

    Python 3.11's `asyncio.wait_for`, which nats-py waits with, loses a cancellation that arrives together with the
    answer: a loop around such calls would go on for ever.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
