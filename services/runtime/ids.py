"""The only place that makes new ids: UUIDs of version 7 (ordered by time) and 4 (random)."""

from __future__ import annotations

import random
import secrets
import uuid
from datetime import datetime
from typing import Final

from uuid_utils.compat import uuid4, uuid7

__all__ = ["uuid4", "uuid7", "uuid7_at"]

_VERSION_7: Final = 0x7 << 76
_VARIANT: Final = 0b10 << 62

#: Ids are no secrets.
_random: Final = random.Random(secrets.randbits(256))  # noqa: S311


def uuid7_at(moment: datetime) -> uuid.UUID:
    """Return an id of another time, for made-up events."""
    milliseconds, first, second = int(moment.timestamp() * 1000), _random.getrandbits(12), _random.getrandbits(62)
    return uuid.UUID(int=milliseconds << 80 | _VERSION_7 | first << 64 | _VARIANT | second)
