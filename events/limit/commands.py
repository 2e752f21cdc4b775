"""The commands for limits, and for leases on their slots.

A request for slots is a command for the lease, an aggregate of its own, because it may name several limits: all of them
grant their slots, or none does.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from antiphon.events.limit.slots import Count, Decay, Holder, Number, Seconds, Slots
from antiphon.events.message import Command, Payload

#: A decision is one batch of events, with at least one event for each limit.
MOST_AT_ONCE = 100

Names = Annotated[tuple[str, ...], Field(max_length=MOST_AT_ONCE)]
Mode = Literal["concurrency", "rate_limit"]


class CreateLimit(Command):
    """Create a limit; if its name is taken, `upsert` resizes the existing limit."""

    KIND: ClassVar[str] = "limit"
    VERB: ClassVar[str] = "create"
    CREATES: ClassVar[bool] = True

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


class UpdateLimit(Command):
    """Change a limit. `active_slots` sets the number of taken slots; leases lose theirs."""

    KIND: ClassVar[str] = "limit"
    VERB: ClassVar[str] = "update"

    changes: LimitSettings


class DeleteLimit(Command):
    """Delete a limit; `revoke` ends its leases, otherwise they live on without slots."""

    KIND: ClassVar[str] = "limit"
    VERB: ClassVar[str] = "delete"

    revoke: bool = False


class ResetLimit(Command):
    """End all leases on a limit, then give each of these task runs a slot, even beyond the limit."""

    KIND: ClassVar[str] = "limit"
    VERB: ClassVar[str] = "reset"

    holders: Annotated[tuple[UUID, ...], Field(max_length=MOST_AT_ONCE)] = ()


class AcquireLease(Command):
    """Take slots of every limit among `names` under a lease; without `seconds` it does not expire."""

    KIND: ClassVar[str] = "lease"
    VERB: ClassVar[str] = "acquire"
    CREATES: ClassVar[bool] = True
    CLAIMS: ClassVar[bool] = False

    names: Names
    slots: Slots = 1
    mode: Mode = "concurrency"
    seconds: Seconds | None = None
    holder: Holder | None = None


class TakeSlots(Command):
    """Take slots of every limit among `names` without a lease: only `ReturnSlots` or decay frees them."""

    KIND: ClassVar[str] = "lease"
    VERB: ClassVar[str] = "take_slots"
    CREATES: ClassVar[bool] = True
    CLAIMS: ClassVar[bool] = False

    names: Names
    slots: Slots
    mode: Mode = "concurrency"


class ReturnSlots(Command):
    """Return slots that were taken without a lease."""

    KIND: ClassVar[str] = "lease"
    VERB: ClassVar[str] = "return_slots"
    CREATES: ClassVar[bool] = True
    CLAIMS: ClassVar[bool] = False

    names: Names
    slots: Slots
    occupancy_seconds: Seconds | None = None


class ReleaseHolder(Command):
    """End the holder's leases on limits among `names`."""

    KIND: ClassVar[str] = "lease"
    VERB: ClassVar[str] = "release_holder"
    CREATES: ClassVar[bool] = True
    CLAIMS: ClassVar[bool] = False

    names: Names
    holder_id: UUID


class RenewLease(Command):
    """Extend a lease to `seconds` from now."""

    KIND: ClassVar[str] = "lease"
    VERB: ClassVar[str] = "renew"

    seconds: Seconds


class ReleaseLease(Command):
    """End a lease and free its slots."""

    KIND: ClassVar[str] = "lease"
    VERB: ClassVar[str] = "release"


class ExpireLease(Command):
    """End a lease if it has expired; the timekeeper sends this."""

    KIND: ClassVar[str] = "lease"
    VERB: ClassVar[str] = "expire"
