"""The choices that options of commands offer."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

#: Takes requests from outside: the first to stop, the last to be ready.
GATEWAY: Final = "gateway"
#: Every role, in the order of starting.
ROLES: Final = ("policy", "projector", "recorder", "reactor", "timekeeper", GATEWAY)


class Output(StrEnum):
    """For people, or for programs."""

    TABLE = "table"
    NDJSON = "ndjson"


class Format(StrEnum):
    """The formats of an export."""

    NDJSON = "ndjson"
    CSV = "csv"
