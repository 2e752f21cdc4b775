"""The events of limits and leases.

The types below are stored in the log and never change: see docs/adr/0001.
"""

from __future__ import annotations

from uuid import UUID

from antiphon.events.limit.slots import Holder, LimitReference, SlotCounts
from antiphon.events.message import Event, Moment, Payload
from antiphon.events.numbers import Number


class LimitCreated(Event, type="limit.created"):
    """A limit exists."""

    name: str
    limit: Number
    active: bool
    slot_decay_per_second: float
    tally: SlotCounts


class LimitChanges(Payload):
    """The fields of a limit that changed: those that are set."""

    name: str | None = None
    limit: Number | None = None
    active: bool | None = None
    slot_decay_per_second: float | None = None


class LimitUpdated(Event, type="limit.updated"):
    """Fields of a limit changed; if it `forgets_leases`, none holds a slot of it any longer."""

    changes: LimitChanges
    tally: SlotCounts
    forgets_leases: bool = False


class LimitReset(Event, type="limit.reset"):
    """All leases on a limit were ended, and all its slots freed."""

    tally: SlotCounts


class LimitDeleted(Event, type="limit.deleted"):
    """A limit was deleted; if `revoked_at` is set, its leases ended too."""

    revoked_at: Moment | None = None


class SlotsAcquired(Event, type="limit.slots_acquired"):
    """Slots of a limit are taken, under a lease or without one."""

    slots: Number
    lease_id: UUID | None = None
    holder: Holder | None = None
    tally: SlotCounts


class SlotsDenied(Event, type="limit.slots_denied"):
    """A request for slots of several limits failed, because one of them had too few."""

    slots: Number
    tally: SlotCounts


class SlotsReleased(Event, type="limit.slots_released"):
    """Slots of a limit are free again; with `lease_id` those of a lease."""

    slots: Number
    lease_id: UUID | None = None
    tally: SlotCounts


class LeaseGranted(Event, type="lease.granted"):
    """A lease holds `slots` of each of its limits until it ends; without `expires_at` it does not expire."""

    #: The limits that existed at the grant; inactive ones are listed, but the lease holds no slots of them.
    limits: tuple[LimitReference, ...]
    slots: Number
    holder: Holder | None = None
    granted_at: Moment
    expires_at: Moment | None = None


class LeaseRefused(Event, type="lease.refused.full"):
    """No slots were granted: at least one of `limits`, the active ones, had too few."""

    limits: tuple[LimitReference, ...]
    slots: Number
    retry_after_seconds: float


class LeaseRenewed(Event, type="lease.renewed"):
    """A lease lasts longer; without `expires_at` it no longer expires."""

    expires_at: Moment | None


class LeaseReleased(Event, type="lease.released"):
    """A lease was released."""


class LeaseExpired(Event, type="lease.expired"):
    """A lease was not renewed in time."""


class LeaseSlotsTaken(Event, type="lease.slots_taken"):
    """Slots were taken without a lease; this event only records the request."""

    limits: tuple[LimitReference, ...]
    slots: Number


class LeaseSlotsReturned(Event, type="lease.slots_returned"):
    """Slots were returned by the names of their limits; this event only records the request."""

    limits: tuple[LimitReference, ...]
