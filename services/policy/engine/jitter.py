"""Random delays around an average, so that waiting clients do not retry at the same time."""

from __future__ import annotations

from math import exp, log
from random import Random


def clamped_interval(average_seconds: float, factor: float, dice: Random) -> float:
    """An exponentially distributed delay, cut so that it is at most `average * (1 + factor)`.

    The lower cut makes delays below and above the average equally likely, as the
    retry jitter of Prefect's tasks does.
    """
    upper = 1 + factor
    lower = -log(max(2 * exp(-1) - exp(-upper), 1e-10))
    low, high = 1 - exp(-max(lower, 0.0)), 1 - exp(-upper)
    return -log(1 - (low + (high - low) * dice.random())) * average_seconds
