"""The order of queues in a pool: priorities are numbers from 1, the smallest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from antiphon.events.numbers import LARGEST
from antiphon.events.outcome import Status
from antiphon.services.policy.engine.refusals import RefusedError


def first_free(taken: Iterable[int]) -> int:
    """The smallest free priority."""
    in_order = sorted(taken)
    # As in Prefect, the second of two equal priorities counts as a gap.
    gap = next((place for place, priority in enumerate(in_order, 1) if place != priority), None)
    return gap if gap is not None else max(in_order, default=0) + 1


def made_room(priorities: Mapping[str, int], moved: str, to: int) -> dict[str, int]:
    """The priorities that change when `moved` gets `to`: other queues shift no further than needed.

    Raises RefusedError when the last one has no room.
    """
    order = sorted((key for key in priorities if key != moved), key=lambda key: priorities[key])
    wanted = {**priorities, moved: to}
    place = next((index for index, key in enumerate(order) if priorities[key] >= to), None)
    if place is not None:
        order.insert(place, moved)
    last, changed = 0, {moved: to}
    for key in order:
        last = max(wanted[key], last + 1)
        if last != priorities[key]:
            changed[key] = last
    if last > LARGEST:
        raise RefusedError(Status.INVALID, f"the priority of a queue is at most {LARGEST}")
    return changed
