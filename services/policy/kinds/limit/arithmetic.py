"""The arithmetic of slots: what acquiring, releasing and waiting change (docs/prefect/rules.md section 10)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import floor
from random import Random
from typing import Final

from antiphon.events.limit.slots import SlotCounts
from antiphon.services.policy.engine.jitter import clamped_interval
from antiphon.services.policy.kinds.limit.state import Limit

#: Limits with this prefix apply to tasks with a tag.
TAG: Final = "tag:"
#: Prefect's `server.tasks.tag_concurrency_slot_wait_seconds`.
TAG_WAIT_SECONDS: Final = 10.0
#: Prefect's `server.concurrency.maximum_concurrency_slot_wait_seconds`.
_LONGEST_WAIT_SECONDS: Final = 30.0
_FOREVER_SECONDS: Final = 1e9
_SHORTEST_OCCUPANCY_SECONDS: Final = 0.1
#: The moving average covers this many times the number of slots.
_SAMPLES: Final = 2
_JITTER: Final = 0.3


def active_slots(limit: Limit, now: datetime) -> int:
    """The number of taken slots, after decay."""
    tally = limit.tally
    if limit.slot_decay_per_second <= 0:
        return tally.loose_slots + tally.leased_slots
    return _decayed(tally.loose_slots, limit.slot_decay_per_second, tally, now)


def has_room(limit: Limit, slots: int, now: datetime) -> bool:
    """Whether this number of slots is free."""
    return limit.active and active_slots(limit, now) + slots <= limit.limit


def counted(limit: Limit, now: datetime) -> SlotCounts:
    """The counts at `now`, after decay."""
    tally = limit.tally
    loose = active_slots(limit, now) if limit.slot_decay_per_second > 0 else tally.loose_slots
    return SlotCounts(
        loose_slots=loose,
        leased_slots=tally.leased_slots,
        denied_slots=_decayed(tally.denied_slots, _denied_decay(limit), tally, now),
        avg_slot_occupancy_seconds=tally.avg_slot_occupancy_seconds,
        at=now,
    )


def _decayed(slots: int, per_second: float, tally: SlotCounts, now: datetime) -> int:
    lost = per_second * max(0.0, (now - tally.at).total_seconds())
    return 0 if lost >= slots else slots - floor(lost)


def _denied_decay(limit: Limit) -> float:
    if limit.slot_decay_per_second > 0:
        return limit.slot_decay_per_second
    return 1 / max(_SHORTEST_OCCUPANCY_SECONDS, min(limit.tally.avg_slot_occupancy_seconds, _longest_wait(limit)))


def taken(limit: Limit, slots: int, now: datetime, *, by_lease: bool) -> SlotCounts:
    """The counts after slots were taken."""
    tally = counted(limit, now)
    loose, leased = tally.loose_slots, tally.leased_slots
    if by_lease:
        leased += slots
    if not by_lease or limit.slot_decay_per_second > 0:
        loose += slots
    return tally.model_copy(update={"loose_slots": loose, "leased_slots": leased})


def freed(
    limit: Limit, slots: int, now: datetime, *, by_lease: bool, occupancy_seconds: float | None = None
) -> SlotCounts:
    """The counts after slots were freed; never negative."""
    tally = counted(limit, now)
    loose, leased = tally.loose_slots, tally.leased_slots
    if by_lease:
        leased = max(0, leased - slots)
    if not by_lease or limit.slot_decay_per_second > 0:
        loose = max(0, loose - slots)
    average = tally.avg_slot_occupancy_seconds
    if occupancy_seconds and limit.limit > 0:
        sample = max(occupancy_seconds / slots, _SHORTEST_OCCUPANCY_SECONDS)
        average += (sample - average) / (_SAMPLES * limit.limit)
    return tally.model_copy(
        update={"loose_slots": loose, "leased_slots": leased, "avg_slot_occupancy_seconds": average}
    )


def denied(limit: Limit, slots: int, now: datetime) -> SlotCounts:
    """The counts after a refused request for slots."""
    tally = counted(limit, now)
    return tally.model_copy(update={"denied_slots": tally.denied_slots + slots})


def retry_after_seconds(limits: Sequence[Limit], slots: int, now: datetime, dice: Random) -> float:
    """The delay before the next request, from the most contended of the limits."""
    blocking = max(limits, key=lambda limit: _pressure(limit, slots, now))
    pressure = _pressure(blocking, slots, now)
    if blocking.slot_decay_per_second > 0:
        average = min(pressure / blocking.slot_decay_per_second, _FOREVER_SECONDS)
    else:
        longest = _longest_wait(blocking)
        average = min(min(blocking.tally.avg_slot_occupancy_seconds, longest) * pressure, longest)
    return clamped_interval(average, _JITTER, dice)


def _pressure(limit: Limit, slots: int, now: datetime) -> float:
    waiting = slots + counted(limit, now).denied_slots
    return waiting if limit.slot_decay_per_second > 0 else waiting / limit.limit


def tag_delay_seconds(limits: Sequence[Limit], now: datetime, dice: Random) -> int:
    """The delay before a task tries again to run, after its tags had no free slot."""
    blocking = max(limits, key=lambda limit: active_slots(limit, now) / limit.limit)
    average = min(blocking.tally.avg_slot_occupancy_seconds or TAG_WAIT_SECONDS, TAG_WAIT_SECONDS)
    return round(clamped_interval(average, _JITTER, dice))


def _longest_wait(limit: Limit) -> float:
    return TAG_WAIT_SECONDS if limit.name.startswith(TAG) else _LONGEST_WAIT_SECONDS
