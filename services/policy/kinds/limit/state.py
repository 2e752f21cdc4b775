"""The folds of limits and leases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from antiphon.events.limit import events
from antiphon.events.limit.slots import Holder, LimitReference, SlotCounts
from antiphon.events.message import Event

_NOTHING_TAKEN: Final = SlotCounts(at=datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Held:
    """Slots of a limit that a lease holds."""

    slots: int
    holder: Holder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A concurrency limit, with its leases."""

    exists: bool = False
    name: str = ""
    limit: int = 0
    active: bool = True
    slot_decay_per_second: float = 0.0
    tally: SlotCounts = _NOTHING_TAKEN
    #: By lease id.
    leases: Mapping[UUID, Held] = field(default_factory=dict)
    #: Leases granted up to this time have ended.
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A lease; once ended, it equals one that never existed."""

    exists: bool = False
    limits: tuple[LimitReference, ...] = ()
    slots: int = 0
    holder: Holder | None = None
    granted_at: datetime | None = None
    expires_at: datetime | None = None


NO_LIMIT: Final = Limit()
NO_LEASE: Final = Lease()


def evolve_limit(limit: Limit, event: Event) -> Limit:
    """The limit after `event`."""
    match event:
        case events.SlotsAcquired():
            return replace(limit, tally=event.tally, leases=_with(limit, event))
        case events.SlotsReleased():
            kept = {key: held for key, held in limit.leases.items() if key != event.lease_id}
            return replace(limit, tally=event.tally, leases=kept)
        case events.SlotsDenied():
            return replace(limit, tally=event.tally)
        case events.LimitCreated():
            return Limit(exists=True, revoked_at=limit.revoked_at, **dict(event))
        case events.LimitUpdated():
            changed = {name: getattr(event.changes, name) for name in event.changes.model_fields_set}
            leases = {} if event.forgets_leases else limit.leases
            return replace(limit, tally=event.tally, leases=leases, **changed)
        case events.LimitReset():
            return replace(limit, tally=event.tally, leases={}, revoked_at=event.tally.at)
        case events.LimitDeleted():
            return Limit(revoked_at=event.revoked_at)
        case _:
            return limit


def _with(limit: Limit, event: events.SlotsAcquired) -> Mapping[UUID, Held]:
    if event.lease_id is None:
        return limit.leases
    return {**limit.leases, event.lease_id: Held(event.slots, event.holder)}


def evolve_lease(lease: Lease, event: Event) -> Lease:
    """The lease after `event`."""
    match event:
        case events.LeaseGranted():
            return Lease(exists=True, **dict(event))
        case events.LeaseRenewed():
            return replace(lease, expires_at=event.expires_at)
        case events.LeaseReleased() | events.LeaseExpired():
            return NO_LEASE
        case _:
            return lease
