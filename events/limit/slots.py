"""What limits and leases have in common: who holds slots, of which limits, and how many are taken."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from events.message import Moment, Payload


class Holder(Payload):
    """Prefect's ConcurrencyLeaseHolder."""

    type: Literal["flow_run", "task_run", "deployment"]
    id: UUID


class LimitReference(Payload):
    """A limit as those are told of it who ask for its slots."""

    id: UUID
    name: str
    limit: int


class Tally(Payload):
    """How many slots of a limit are taken, counted at a moment.

    Where slots decay, the limit is a rate: all of them are `loose`, and are fewer as time passes. Where they do not,
    `leased` are those that leases hold, and `loose` those that were taken, or declared to be taken, without one.
    """

    loose_slots: int = 0
    leased_slots: int = 0
    #: Those asked for lately and not given: they make waiters wait longer.
    denied_slots: int = 0
    #: A moving average of how long a slot is kept.
    avg_slot_occupancy_seconds: float = 2.0
    at: Moment
