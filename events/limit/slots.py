"""Values shared by limits and leases: holders, references to limits, and counts of slots."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from antiphon.events.message import Moment, Payload
from antiphon.events.numbers import LARGEST, Number, Sum

Slots = Annotated[int, Field(gt=0, le=LARGEST)]
Decay = Annotated[float, Field(ge=0, le=1e15)]
Seconds = Annotated[float, Field(gt=0, le=1e9)]


class Holder(Payload):
    """Prefect's ConcurrencyLeaseHolder."""

    type: Literal["flow_run", "task_run", "deployment"]
    id: UUID


class LimitReference(Payload):
    """A limit, as an answer to a request for slots names it."""

    id: UUID
    name: str
    limit: Number


class SlotCounts(Payload):
    """How many slots of a limit are taken, counted at a moment.

    If slots decay, the limit is a rate: all slots are `loose`, and their number falls with time. Otherwise leases hold
    the `leased` slots, and the `loose` slots were taken, or declared as taken, without a lease.
    """

    loose_slots: Sum = 0
    leased_slots: Sum = 0
    #: Recently refused slots: they lengthen the wait of later requests.
    denied_slots: Sum = 0
    #: A moving average of the time that a slot is held.
    avg_slot_occupancy_seconds: float = 2.0
    at: Moment
