"""Queries on log lines."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from antiphon.projections.resource import Resource, plain


class LogSort(StrEnum):
    """Prefect's LogSort."""

    TIMESTAMP_ASC = "TIMESTAMP_ASC"
    TIMESTAMP_DESC = "TIMESTAMP_DESC"


LOGS: Final = Resource(
    table="log",
    columns=plain("id created updated name level message timestamp flow_run_id task_run_id"),
    sort=LogSort,
    default_sort=LogSort.TIMESTAMP_ASC,
)
