"""The commands for limits, and for leases on their slots.

A request for slots is a command for the lease, an aggregate of its own, because it may name several limits: all of them
grant their slots, or none does.
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from antiphon.events.limit.slots import Decay, Holder, Seconds, Slots
from antiphon.events.message import Command, Payload
from antiphon.events.numbers import Count, Number

#: A decision is one batch of events, with at least one event for each limit.
MOST_AT_ONCE = 100

Names = Annotated[tuple[str, ...], Field(max_length=MOST_AT_ONCE)]
Mode = Literal["concurrency", "rate_limit"]


class CreateLimit(Command, kind="limit", verb="create", creates=True):
    """Create a limit; if its name is taken, `upsert` resizes the existing limit."""

    name: str
    limit: Number
    active: bool = True
    slot_decay_per_second: Decay = 0.0
    active_slots: Count = 0
    denied_slots: Count = 0
    upsert: bool = False


class LimitSettings(Payload):
    """The fields of a limit that a client may change; only set fields change."""

    name: str | None = None
    limit: Number | None = None
    active: bool | None = None
    slot_decay_per_second: Decay | None = None
    active_slots: Count | None = None
    denied_slots: Count | None = None


class UpdateLimit(Command, kind="limit", verb="update"):
    """Change a limit. `active_slots` sets the number of taken slots; leases lose theirs."""

    changes: LimitSettings


class DeleteLimit(Command, kind="limit", verb="delete"):
    """Delete a limit; `revoke` ends its leases, otherwise they live on without slots."""

    revoke: bool = False


class ResetLimit(Command, kind="limit", verb="reset"):
    """End all leases on a limit, then give each of these task runs a slot, even beyond the limit."""

    holders: Annotated[tuple[UUID, ...], Field(max_length=MOST_AT_ONCE)] = ()


class AcquireLease(Command, kind="lease", verb="acquire", creates=True, claims=False):
    """Take slots of every limit among `names` under a lease; without `seconds` it does not expire."""

    names: Names
    slots: Slots = 1
    mode: Mode = "concurrency"
    seconds: Seconds | None = None
    holder: Holder | None = None


class TakeSlots(Command, kind="lease", verb="take_slots", creates=True, claims=False):
    """Take slots of every limit among `names` without a lease: only `ReturnSlots` or decay frees them."""

    names: Names
    slots: Slots
    mode: Mode = "concurrency"


class ReturnSlots(Command, kind="lease", verb="return_slots", creates=True, claims=False):
    """Return slots that were taken without a lease."""

    names: Names
    slots: Slots
    occupancy_seconds: Seconds | None = None


class ReleaseHolder(Command, kind="lease", verb="release_holder", creates=True, claims=False):
    """End the holder's leases on limits among `names`."""

    names: Names
    holder_id: UUID


class RenewLease(Command, kind="lease", verb="renew"):
    """Extend a lease to `seconds` from now."""

    seconds: Seconds


class ReleaseLease(Command, kind="lease", verb="release"):
    """End a lease and free its slots."""


class ExpireLease(Command, kind="lease", verb="expire"):
    """End a lease if it has expired; the timekeeper sends this."""
