"""The common part of the retry policies of flow runs and task runs."""

from __future__ import annotations

from typing import Any


def from_deprecated(values: Any) -> Any:
    """Use the two oldest fields of a policy as defaults of their successors.

    Changes its argument, as Prefect does: the answer to an invalid request quotes the changed policy.
    """
    if isinstance(values, dict):
        if not values.get("retries") and values.get("max_retries", 0) != 0:
            values["retries"] = values["max_retries"]
        if not values.get("retry_delay") and values.get("retry_delay_seconds", 0) != 0:
            values["retry_delay"] = values["retry_delay_seconds"]
    return values
