"""The events of limits and leases.

The `TYPE` names below are stored in the log and never change: see docs/adr/0001.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from antiphon.events.limit.slots import Holder, LimitReference, SlotCounts
from antiphon.events.message import Event, Moment, Payload


class LimitCreated(Event):
    """A limit exists."""

    TYPE: ClassVar[str] = "limit.created"

    name: str
    limit: int
    active: bool
    slot_decay_per_second: float
    tally: SlotCounts


class LimitChanges(Payload):
    """The fields of a limit that changed: those that are set."""

    name: str | None = None
    limit: int | None = None
    active: bool | None = None
    slot_decay_per_second: float | None = None


class LimitUpdated(Event):
    """Fields of a limit changed; if it `forgets_leases`, none holds a slot of it any longer."""

    TYPE: ClassVar[str] = "limit.updated"

    changes: LimitChanges
    tally: SlotCounts
    forgets_leases: bool = False


class LimitReset(Event):
    """All leases on a limit were ended, and all its slots freed."""

    TYPE: ClassVar[str] = "limit.reset"

    tally: SlotCounts


class LimitDeleted(Event):
    """A limit was deleted; if `revoked_at` is set, its leases ended too."""

    TYPE: ClassVar[str] = "limit.deleted"

    revoked_at: Moment | None = None


class SlotsAcquired(Event):
    """Slots of a limit are taken, under a lease or without one."""

    TYPE: ClassVar[str] = "limit.slots_acquired"

    slots: int
    lease_id: UUID | None = None
    holder: Holder | None = None
    tally: SlotCounts


class SlotsDenied(Event):
    """A request for slots of several limits failed, because one of them had too few."""

    TYPE: ClassVar[str] = "limit.slots_denied"

    slots: int
    tally: SlotCounts


class SlotsReleased(Event):
    """Slots of a limit are free again; with `lease_id` those of a lease."""

    TYPE: ClassVar[str] = "limit.slots_released"

    slots: int
    lease_id: UUID | None = None
    tally: SlotCounts


class LeaseGranted(Event):
    """A lease holds `slots` of each of its limits until it ends; without `expires_at` it does not expire."""

    TYPE: ClassVar[str] = "lease.granted"

    #: The limits that existed at the grant; inactive ones are listed, but the lease holds no slots of them.
    limits: tuple[LimitReference, ...]
    slots: int
    holder: Holder | None = None
    granted_at: Moment
    expires_at: Moment | None = None


class LeaseRefused(Event):
    """No slots were granted: at least one of `limits`, the active ones, had too few."""

    TYPE: ClassVar[str] = "lease.refused.full"

    limits: tuple[LimitReference, ...]
    slots: int
    retry_after_seconds: float


class LeaseRenewed(Event):
    """A lease lasts longer; without `expires_at` it no longer expires."""

    TYPE: ClassVar[str] = "lease.renewed"

    expires_at: Moment | None


class LeaseReleased(Event):
    """A lease was released."""

    TYPE: ClassVar[str] = "lease.released"


class LeaseExpired(Event):
    """A lease was not renewed in time."""

    TYPE: ClassVar[str] = "lease.expired"


class LeaseSlotsTaken(Event):
    """Slots were taken without a lease; this event only records the request."""

    TYPE: ClassVar[str] = "lease.slots_taken"

    limits: tuple[LimitReference, ...]
    slots: int


class LeaseSlotsReturned(Event):
    """Slots were returned by the names of their limits; this event only records the request."""

    TYPE: ClassVar[str] = "lease.slots_returned"

    limits: tuple[LimitReference, ...]
