"""Upcasts old payloads of events to the current schema when they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from antiphon.events.errors import UndecodableError

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

#: (type, version) -> a function from that version's payload to the next one's. Entries are never removed.
UPCASTERS: Final[dict[tuple[str, int], Upcaster]] = {}


def to_current(name: str, version: int, current: int, payload: dict[str, Any]) -> dict[str, Any]:
    """Apply the upcasters from `version` to `current`, one after the other.

    Raises UndecodableError for a version that is newer than this code, or that has no upcaster.
    """
    for step in range(version, current):
        upcaster = UPCASTERS.get((name, step))
        if upcaster is None:
            msg = f"nothing brings {name} from version {step} to {step + 1}"
            raise UndecodableError(msg)
        payload = upcaster(payload)
    if version > current:
        msg = f"{name} has version {version}; this code knows {current}: upgrade it"
        raise UndecodableError(msg)
    return payload
