"""Slots taken and returned within one decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from antiphon.events import ids
from antiphon.events.limit import events
from antiphon.events.limit.slots import Holder, LimitReference
from antiphon.events.message import Event
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Situation
from antiphon.services.policy.engine.lineage import holder_of
from antiphon.services.policy.kinds.limit.arithmetic import denied, freed, has_room, taken
from antiphon.services.policy.kinds.limit.state import NO_LEASE, NO_LIMIT, Lease, Limit, evolve_lease, evolve_limit


def limit_key(limit_id: UUID | str) -> Aggregate:
    """The aggregate of a limit."""
    return Aggregate("limit", str(limit_id))


def lease_key(lease_id: UUID | str) -> Aggregate:
    """The aggregate of a lease."""
    return Aggregate("lease", str(lease_id))


def limit_name(name: str) -> Aggregate:
    """The reservation of a limit's name."""
    return ids.name_aggregate("limit", name)


def limits_named(names: Iterable[str], others: Mapping[Aggregate, Any]) -> tuple[Aggregate, ...]:
    """The reservations of names and the limits that hold them, as far as they are known."""
    keys = dict.fromkeys(limit_name(name) for name in names)
    return (*keys, *(holder for key in keys for holder in holder_of("limit", key, others)))


def limits_of(lease: Lease) -> tuple[Aggregate, ...]:
    """The limits a lease is on."""
    return tuple(limit_key(limit.id) for limit in lease.limits)


class Ledger:
    """The limits and leases of one decision, with its own `events` already applied."""

    def __init__(self, others: Mapping[Aggregate, Any], now: datetime) -> None:
        self._others = others
        self._now = now
        self._changed: dict[Aggregate, Any] = {}
        self.events: list[tuple[Aggregate, Event]] = []

    def limit(self, key: Aggregate) -> Limit:
        """A limit after the events so far."""
        found: Limit = self._changed.get(key) or self._others.get(key) or NO_LIMIT
        return found

    def lease(self, lease_id: UUID) -> Lease:
        """A lease after the events so far; an ended one if its limits were reset."""
        key = lease_key(lease_id)
        found: Lease = self._changed.get(key) or self._others.get(key) or NO_LEASE
        return NO_LEASE if self.is_revoked(found) else found

    def is_revoked(self, lease: Lease) -> bool:
        """Whether a limit of the lease has revoked its leases."""
        resets = (self.limit(key).revoked_at for key in limits_of(lease))
        granted_at = lease.granted_at
        return granted_at is not None and any(at is not None and at >= granted_at for at in resets)

    def named(self, names: Iterable[str]) -> list[Aggregate]:
        """The existing limits of these names, in order."""
        keys = limits_named(names, self._others)
        return [key for key in keys if key.kind == "limit" and key in self._others and self.limit(key).exists]

    def references(self, keys: Sequence[Aggregate]) -> tuple[LimitReference, ...]:
        """Limits, as answers and events name them."""
        limits = ((UUID(key.id), self.limit(key)) for key in keys)
        return tuple(LimitReference(id=key, name=limit.name, limit=limit.limit) for key, limit in limits)

    def has_room(self, keys: Sequence[Aggregate], slots: int) -> bool:
        """Whether each of these limits has this number of free slots."""
        return all(has_room(self.limit(key), slots, self._now) for key in keys)

    def grant(
        self,
        lease_id: UUID,
        keys: Sequence[Aggregate],
        *,
        slots: int = 1,
        seconds: float | None = None,
        holder: Holder | None = None,
    ) -> None:
        """Grant a lease on these limits; the caller checks for free slots first. Inactive limits give none."""
        references = self.references(keys)
        for key in keys:
            if self.limit(key).active:
                self.take(key, slots, lease_id, holder)
        expires_at = None if seconds is None else self._now + timedelta(seconds=seconds)
        granted = events.LeaseGranted(
            limits=references, slots=slots, holder=holder, granted_at=self._now, expires_at=expires_at
        )
        self.record(lease_key(lease_id), granted)

    def take(self, key: Aggregate, slots: int, lease_id: UUID | None = None, holder: Holder | None = None) -> None:
        """Take slots of one limit."""
        tally = taken(self.limit(key), slots, self._now, by_lease=lease_id is not None)
        self.record(key, events.SlotsAcquired(slots=slots, lease_id=lease_id, holder=holder, tally=tally))

    def deny(self, keys: Iterable[Aggregate], slots: int) -> None:
        """Record a refused request on these limits."""
        for key in keys:
            self.record(key, events.SlotsDenied(slots=slots, tally=denied(self.limit(key), slots, self._now)))

    def give_back(self, key: Aggregate, slots: int, occupancy_seconds: float | None) -> None:
        """Free slots that no lease holds."""
        limit = self.limit(key)
        tally = freed(limit, slots, self._now, by_lease=False, occupancy_seconds=occupancy_seconds)
        self.record(key, events.SlotsReleased(slots=slots, tally=tally))

    def renew(self, lease_id: UUID, seconds: float | None) -> bool:
        """Extend a lease, without `seconds` until it is released; False if it has ended."""
        if not self.lease(lease_id).exists:
            return False
        expires_at = None if seconds is None else self._now + timedelta(seconds=seconds)
        self.record(lease_key(lease_id), events.LeaseRenewed(expires_at=expires_at))
        return True

    def end(self, lease_id: UUID, *, expired: bool = False) -> bool:
        """End a lease and free its slots, also if some of its limits were reset; False if it had ended."""
        key = lease_key(lease_id)
        lease: Lease = self._changed.get(key) or self._others.get(key) or NO_LEASE
        if not lease.exists or lease.granted_at is None:
            return False
        occupancy = (self._now - lease.granted_at).total_seconds()
        for limit_key_ in limits_of(lease):
            limit = self.limit(limit_key_)
            held = limit.leases.get(lease_id)
            if held is not None:
                tally = freed(limit, held.slots, self._now, by_lease=True, occupancy_seconds=occupancy)
                self.record(limit_key_, events.SlotsReleased(slots=held.slots, lease_id=lease_id, tally=tally))
        self.record(key, events.LeaseExpired() if expired else events.LeaseReleased())
        return True

    def held_by(self, keys: Iterable[Aggregate], holder_id: UUID) -> list[UUID]:
        """The leases of a holder on these limits."""
        found = (
            lease_id
            for key in keys
            for lease_id, held in self.limit(key).leases.items()
            if held.holder is not None and held.holder.id == holder_id
        )
        return list(dict.fromkeys(found))

    def record(self, key: Aggregate, event: Event) -> None:
        """Apply an event to a limit or a lease, and keep it for the decision."""
        if key.kind == "limit":
            self._changed[key] = evolve_limit(self.limit(key), event)
        else:
            self._changed[key] = evolve_lease(self._changed.get(key) or self._others.get(key) or NO_LEASE, event)
        self.events.append((key, event))

    def undo(self) -> None:
        """Drop all events of this decision."""
        self._changed.clear()
        self.events.clear()


def related_to_holder(names: Iterable[str], holder_id: UUID, situation: Situation[Any]) -> tuple[Aggregate, ...]:
    """The limits of these names, the leases of a holder on them, and the other limits of these leases."""
    others = situation.others
    ledger = Ledger(others, situation.now)
    leases = [lease_key(lease_id) for lease_id in ledger.held_by(ledger.named(names), holder_id)]
    limits = (limit for key in leases if key in others for limit in limits_of(others[key]))
    return (*limits_named(names, others), *leases, *limits)
