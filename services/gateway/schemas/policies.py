"""What the retry policies of flow runs and task runs have in common."""

from __future__ import annotations

from typing import Any


def from_deprecated(values: Any) -> Any:
    """Let the two oldest fields of a policy stand for their successors where those are absent.

    Changes the dictionary it is given, as Prefect does: a refused request is quoted with the change.
    """
    if isinstance(values, dict):
        if not values.get("retries") and values.get("max_retries", 0) != 0:
            values["retries"] = values["max_retries"]
        if not values.get("retry_delay") and values.get("retry_delay_seconds", 0) != 0:
            values["retry_delay"] = values["retry_delay_seconds"]
    return values
