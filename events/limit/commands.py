"""What can be asked of limits, and of leases on their slots.

A request for slots is a command of its own aggregate, the lease, because it may be about several limits: all of them
give their slots, or none does.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from antiphon.events.limit.slots import Count, Decay, Holder, Number, Seconds, Slots
from antiphon.events.message import Command, Payload

#: A decision is one batch of events, at least one for every limit.
MOST_AT_ONCE = 100

Names = Annotated[tuple[str, ...], Field(max_length=MOST_AT_ONCE)]
Mode = Literal["concurrency", "rate_limit"]


class CreateLimit(Command):
    """Create a limit; if its name is taken, `upsert` sets the other one's number of slots."""

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
    """The fields of a limit that a client may change; only those set are changed."""

    name: str | None = None
    limit: Number | None = None
    active: bool | None = None
    slot_decay_per_second: Decay | None = None
    active_slots: Count | None = None
    denied_slots: Count | None = None


class UpdateLimit(Command):
    """Change a limit. Given `active_slots`, that many are taken from now on, and no lease holds any of them."""

    KIND: ClassVar[str] = "limit"
    VERB: ClassVar[str] = "update"

    changes: LimitSettings


class DeleteLimit(Command):
    """Delete a limit; `revoke` ends the leases on it, else they live on and hold nothing."""

    KIND: ClassVar[str] = "limit"
    VERB: ClassVar[str] = "delete"

    revoke: bool = False


class ResetLimit(Command):
    """End all leases on a limit and free its slots, then have each of these task runs hold one, even beyond it."""

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
    """Give slots back that were taken without a lease."""

    KIND: ClassVar[str] = "lease"
    VERB: ClassVar[str] = "return_slots"
    CREATES: ClassVar[bool] = True
    CLAIMS: ClassVar[bool] = False

    names: Names
    slots: Slots
    occupancy_seconds: Seconds | None = None


class ReleaseHolder(Command):
    """End the leases that somebody holds on limits among `names`."""

    KIND: ClassVar[str] = "lease"
    VERB: ClassVar[str] = "release_holder"
    CREATES: ClassVar[bool] = True
    CLAIMS: ClassVar[bool] = False

    names: Names
    holder_id: UUID


class RenewLease(Command):
    """Let a lease expire only when `seconds` have passed from now on."""

    KIND: ClassVar[str] = "lease"
    VERB: ClassVar[str] = "renew"

    seconds: Seconds


class ReleaseLease(Command):
    """End a lease: its slots are free."""

    KIND: ClassVar[str] = "lease"
    VERB: ClassVar[str] = "release"


class ExpireLease(Command):
    """End a lease if its time is over; the timekeeper says so."""

    KIND: ClassVar[str] = "lease"
    VERB: ClassVar[str] = "expire"
