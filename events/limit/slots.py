"""What limits and leases have in common: who holds slots, of which limits, and how many are taken."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field

from antiphon.events.message import Moment, Payload

#: What PostgreSQL takes as an integer.
LARGEST: Final = 2**31 - 1

#: Numbers that arithmetic and JSON can carry on with: an infinite one could be written, and never be read again.
Number = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Slots = Annotated[int, Field(gt=0, le=LARGEST)]
Decay = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class Holder(Payload):
    """Prefect's ConcurrencyLeaseHolder."""

    type: Literal["flow_run", "task_run", "deployment"]
    id: UUID


class LimitReference(Payload):
    """A limit as those are told of it who ask for its slots."""

    id: UUID
    name: str
    limit: int


class SlotCounts(Payload):
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
