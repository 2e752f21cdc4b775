"""Flow runs that start within a window of time: their number and their lateness."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Self

from psycopg import AsyncConnection

from antiphon.projections.core import durations
from antiphon.projections.core.reading import encoded, records
from antiphon.projections.filters.conditions import Operator, Parameters
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.sums import buckets, rollups
from antiphon.projections.sums.buckets import EFFECTIVE, EXPECTED, BucketClock
from antiphon.projections.sums.intervals import SECOND, Intervals, microseconds
from antiphon.projections.sums.rollups import BUCKETS, COUNTS

_CLOCKS: Final = {"expected_start_time": EXPECTED, "start_time": EFFECTIVE}
_FIRST: Final = microseconds(datetime.min.replace(tzinfo=UTC))
#: The end of an open window: later than any time in a request.
_BEHIND_LAST: Final = microseconds(datetime.max.replace(tzinfo=UTC)) + 1


@dataclass(frozen=True, slots=True)
class Window:
    """A window of the expected or the effective start, and the other criteria of the runs in it."""

    clock: BucketClock
    time: Intervals
    others: Criteria

    @classmethod
    def asked_for(cls, criteria: Criteria) -> Self | None:
        """The window of the criteria, if the buckets can answer it."""
        runs = criteria.flow_runs
        if runs is None or runs.operator is not Operator.and_:
            return None
        found = [(name, leaf) for name in _CLOCKS if (leaf := getattr(runs, name)) is not None]
        if len(found) != 1:
            return None
        ((name, leaf),) = found
        others = replace(criteria, flow_runs=runs.model_copy(update={name: None}))
        is_bounded = leaf.after_ is not None or leaf.before_ is not None
        if not is_bounded or getattr(leaf, "is_null_", None) is not None or not BUCKETS["flow_run"].answers(others):
            return None
        first = _FIRST if leaf.after_ is None else microseconds(leaf.after_)
        # `before_` is inclusive.
        last = _BEHIND_LAST if leaf.before_ is None else microseconds(leaf.before_) + 1
        return cls(_CLOCKS[name], Intervals(first, max(0, last - first), 1), others)

    def runs(self, parameters: Parameters, present: int | None = None) -> str:
        """A source of rows whose `runs` and, given the present minute, `lateness` are to be added up."""
        return buckets.summed(self.clock, "flow_run", self.time, self.others, parameters, present)


async def average_lateness(connection: AsyncConnection[Any], criteria: Criteria) -> bytes:
    """The average lateness in seconds of the flow runs that meet criteria, as JSON; null if there are none."""
    parameters = rollups.parameters_on(connection)
    are_kept = rollups.are_kept(connection)
    window = Window.asked_for(criteria) if are_kept else None
    condition = criteria.on("flow_run", Parameters())
    prepare = True
    if window is not None:
        source = window.runs(parameters, await buckets.present_minute(connection))
        query = f"SELECT sum(runs)::bigint, sum(lateness) FROM {source}"  # noqa: S608  our own text
    elif are_kept and COUNTS["flow_run"].answers(criteria):
        condition = criteria.on("flow_run", parameters)
        grown = f"SELECT sum({durations.LATENESS_NOW}) FROM flow_run WHERE {durations.IS_LATE} AND {condition}"  # noqa: S608
        query = (
            f"SELECT sum(runs)::bigint, sum(lateness) + coalesce(({grown}), 0)"  # noqa: S608  our own text
            f" FROM {COUNTS['flow_run'].source} WHERE {condition}"
        )
    else:
        condition, prepare = criteria.on("flow_run", parameters), False
        query = f"SELECT count(*), sum({durations.LATENESS}) FROM flow_run WHERE {condition}"  # noqa: S608
    ((runs, lateness),) = await records(connection, query, parameters.values, prepare=prepare)
    return encoded(lateness / (runs * SECOND) if runs else None)
