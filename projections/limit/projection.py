"""Projects the events of limits and leases."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from antiphon.events.limit.events import (
    LeaseExpired,
    LeaseGranted,
    LeaseReleased,
    LeaseRenewed,
    LimitCreated,
    LimitDeleted,
    LimitReset,
    LimitUpdated,
    SlotsAcquired,
    SlotsDenied,
    SlotsReleased,
)
from antiphon.events.limit.slots import SlotCounts
from antiphon.events.log.port import Recorded
from antiphon.projections.core.change import Change, Move, Put, Row, Statement
from antiphon.projections.core.table import Table

_SETTINGS: Final = ("name", "slot_limit", "active", "slot_decay_per_second")
_TALLY: Final = ("loose_slots", "leased_slots", "denied_slots", "avg_slot_occupancy_seconds", "counted_at")

LIMIT: Final = Table(
    "concurrency_limit",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "name": "text",
        "slot_limit": "integer",
        "active": "boolean",
        "slot_decay_per_second": "double precision",
        "loose_slots": "bigint",
        "leased_slots": "bigint",
        "denied_slots": "bigint",
        "avg_slot_occupancy_seconds": "double precision",
        "counted_at": "timestamptz",
    },
    moved=("updated", *_SETTINGS, *_TALLY),
    kept_when_null=frozenset(_SETTINGS),
)
LEASE: Final = Table(
    "concurrency_lease",
    {
        "id": "uuid",
        "created": "timestamptz",
        "updated": "timestamptz",
        "limit_ids": "uuid[]",
        "slots": "integer",
        "holder_type": "text",
        "holder_id": "uuid",
        "expires_at": "timestamptz",
    },
    moved=("updated", "expires_at"),
)


def project_limit(recorded: Recorded) -> list[Change]:
    """The row changes of one event of a limit."""
    limit_id, event, at = UUID(recorded.aggregate.id), recorded.event, recorded.metadata.occurred_at
    match event:
        case SlotsAcquired() | SlotsReleased() | SlotsDenied():
            return [Move(LIMIT, limit_id, {"updated": at, **_tally(event.tally)})]
        case LimitCreated():
            settings = _renamed(event.model_dump(mode="json", exclude={"tally"}))
            return [Put(LIMIT, {"id": limit_id, "created": at, "updated": at, **settings, **_tally(event.tally)})]
        case LimitUpdated():
            settings = _renamed(event.changes.model_dump(mode="json", exclude_unset=True))
            moved: list[Change] = [Move(LIMIT, limit_id, {"updated": at, **settings, **_tally(event.tally)})]
            return [*moved, Statement("forget_leases", {"id": limit_id})] if event.forgets_leases else moved
        case LimitReset():
            return [
                Move(LIMIT, limit_id, {"updated": at, **_tally(event.tally)}),
                Statement("forget_leases", {"id": limit_id}),
            ]
        case LimitDeleted():
            return [Statement("delete_limit", {"id": limit_id})]
        case _:
            return []


def project_lease(recorded: Recorded) -> list[Change]:
    """The row changes of one event of a lease."""
    lease_id, event, at = UUID(recorded.aggregate.id), recorded.event, recorded.metadata.occurred_at
    match event:
        case LeaseGranted() if not event.limits and event.expires_at is None:
            # The lease holds no slots and never expires.
            return []
        case LeaseGranted():
            return [Put(LEASE, {"id": lease_id, "created": event.granted_at, "updated": at, **_held(event)})]
        case LeaseRenewed():
            return [Move(LEASE, lease_id, {"updated": at, "expires_at": event.expires_at})]
        case LeaseReleased() | LeaseExpired():
            return [Statement("delete_lease", {"id": lease_id})]
        case _:
            return []


def _held(event: LeaseGranted) -> Row:
    holder = event.holder
    return {
        "limit_ids": [limit.id for limit in event.limits],
        "slots": event.slots,
        "holder_type": holder.type if holder else None,
        "holder_id": holder.id if holder else None,
        "expires_at": event.expires_at,
    }


def _renamed(settings: dict[str, Any]) -> Row:
    # `limit` is a reserved word in SQL.
    return {"slot_limit" if name == "limit" else name: value for name, value in settings.items()}


def _tally(tally: SlotCounts) -> Row:
    return {name: getattr(tally, name) for name in _TALLY if name != "counted_at"} | {"counted_at": tally.at}
