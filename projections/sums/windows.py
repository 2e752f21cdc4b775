"""Flow runs that start within a window of time, counted by the sums of its hours, and of the minutes at its ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from antiphon.projections.core import durations
from antiphon.projections.core.moments import HOUR, MINUTE, ceiling, floor
from antiphon.projections.filters.conditions import Operator, Parameters
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.sums.rollups import PERIODS, SECOND, Series

#: From a moment on, up to another one; None for no border.
Range = tuple[datetime | None, datetime | None]

#: Sums of hours, and what they are of minutes in them.
_RUNS: Final = {"sum(runs)": "sum(number_at(parts, 24 * minute))"}
_LATENESS: Final = {f"sum(lateness) / {SECOND}": f"sum(number_at(parts, 24 * minute + 16)) / {SECOND}"}

_EXPECTED: Final = "flow_run.expected_start_time"
_COLUMNS: Final = {
    "expected_start_time": (_EXPECTED, Series.EXPECTED_HOUR),
    "start_time": ("coalesce(flow_run.start_time, flow_run.expected_start_time)", Series.BEGAN_HOUR),
}


@dataclass(frozen=True, slots=True)
class Window:
    """A window of the expected or the effective start, and what else is asked of the runs in it."""

    #: The moment that is asked about, in SQL.
    column: str
    series: Series
    after: datetime | None
    before: datetime | None
    #: The minutes that lie in the window as a whole.
    whole: Range
    rest: Criteria

    @classmethod
    def asked_for(cls, criteria: Criteria) -> Self | None:
        """The window that sums can answer, if it is one that criteria ask about."""
        runs = criteria.flow_runs
        if runs is None or runs.operator is not Operator.and_:
            return None
        found = [(name, leaf) for name in _COLUMNS if (leaf := getattr(runs, name)) is not None]
        if len(found) != 1:
            return None
        name, leaf = found[0]
        rest = replace(criteria, flow_runs=runs.model_copy(update={name: None}))
        is_bounded = leaf.after_ is not None or leaf.before_ is not None
        if not is_bounded or getattr(leaf, "is_null_", None) is not None or not _is_summed(rest):
            return None
        whole = _whole_minutes(leaf.after_, leaf.before_)
        return None if whole is None else cls(*_COLUMNS[name], leaf.after_, leaf.before_, whole, rest)

    def runs(self, parameters: Parameters) -> str:
        """A source of rows whose `runs` add up to the number of runs in the window."""
        rest = self.rest.on("flow_run", parameters)
        return _added_up(
            [
                *self._sums(_RUNS, rest, parameters),
                *(f"SELECT count(*) FROM flow_run WHERE {end} AND {rest}" for end in self._ends(parameters)),  # noqa: S608
            ],
            "runs",
        )

    def lateness(self, parameters: Parameters) -> str:
        """The same, with `lateness` beside the number."""
        rest = self.rest.on("flow_run", parameters)
        return _added_up(
            [
                *self._sums(_RUNS | _LATENESS, rest, parameters),
                # A run that waits has no other start than the expected one.
                *(f"SELECT 0, {late}" for late in late_by(self.whole, rest, parameters)),
                *(
                    f"SELECT count(*), sum({durations.LATENESS}) FROM flow_run WHERE {end} AND {rest}"  # noqa: S608
                    for end in self._ends(parameters)
                ),
            ],
            "runs, lateness",
        )

    def _sums(self, wanted: Mapping[str, str], rest: str, parameters: Parameters) -> list[str]:
        """The sums of the hours that lie in the window as a whole, and of the minutes of the others."""
        hours = f"FROM {PERIODS['flow_run'].source} WHERE series = {self.series:d} AND {rest} AND"
        parts = []
        for (first, last), minutes in self._hours():
            if minutes is None:
                sums = ", ".join(wanted)
                parts.append(f"SELECT {sums} {hours} {_within('start', (first, last), parameters)}")
                continue
            sums = ", ".join(wanted.values())
            found = f"SELECT all_parts(parts) AS parts {hours} start = {parameters.bind(first)}"
            numbers = f"generate_series({minutes.start}, {minutes.stop - 1}) AS minute"
            parts.append(f"SELECT {sums} FROM ({found}) AS hour, {numbers}")  # noqa: S608  our own text
        return parts

    def _hours(self) -> list[tuple[Range, range | None]]:
        """Ranges of hours, and the minutes in one that is cut."""
        first, last = self.whole
        first_hour = None if first is None else ceiling(first, HOUR)
        last_hour = None if last is None else floor(last, HOUR)
        if first and last and first_hour and last_hour and first_hour > last_hour:
            return [((last_hour, None), range(first.minute, last.minute))]
        hours: list[tuple[Range, range | None]] = [((first_hour, last_hour), None)]
        if first is not None and first.minute:
            hours.append(((floor(first, HOUR), None), range(first.minute, 60)))
        if last is not None and last.minute:
            hours.append(((last_hour, None), range(last.minute)))
        return hours

    def _ends(self, parameters: Parameters) -> list[str]:
        """The conditions on the runs that start in a minute which the window cuts; its own ends belong to it."""
        first, last = self.whole
        ends = []
        if self.after is not None and self.after != first:
            ends.append(_within(self.column, (self.after, first), parameters))
        if self.before is not None:
            ends.append(f"{self.column} <= {parameters.bind(self.before)}")
            ends[-1] += f" AND {_within(self.column, (last, None), parameters)}"
        return ends


def late_by(whole: Range, rest: str, parameters: Parameters) -> list[str]:
    """Queries for seconds: together they are how late the runs are that have not started, in a window of whole minutes.

    Sums of instants tell it of the hours before the present one, and a scan of the other runs.
    """
    first, last = whole
    first_hour = None if first is None else ceiling(first, HOUR)
    last_hour = None if last is None else floor(last, HOUR)
    if first_hour and last_hour and first_hour > last_hour:
        return [_late(f"{durations.IS_LATE} AND {_within(_EXPECTED, whole, parameters)} AND {rest}")]
    hours = first_hour, last_hour
    grown = f"runs * extract(epoch FROM statement_timestamp() - start) - lateness / {SECOND}.0"
    found = [
        f"sum({grown}) FROM {PERIODS['flow_run'].source} WHERE series = {Series.GROWING_HOUR:d}"
        f" AND state_type <> 'RUNNING' AND start < {durations.present('hour')}"
        f" AND {_within('start', hours, parameters)} AND {rest}",
        _late(f"{durations.is_late_since('hour')} AND {_within(_EXPECTED, hours, parameters)} AND {rest}"),
        # That they are late is no condition here: PostgreSQL would look for them among all that wait.
        f"sum({durations.UNSTEADY_LATENESS}) FROM flow_run WHERE {durations.IS_UNSTEADY}"
        f" AND {_within(_EXPECTED, hours, parameters)} AND {rest}",
    ]
    ends = [end for end in ((first, first_hour), (last_hour, last)) if end[0] != end[1]]
    return found + [_late(f"{durations.IS_LATE} AND {_within(_EXPECTED, end, parameters)} AND {rest}") for end in ends]


def _late(condition: str) -> str:
    return f"{durations.LATE_BY_ALL} FROM flow_run WHERE {condition}"


def _added_up(parts: list[str], names: str) -> str:
    return f"({' UNION ALL '.join(parts)}) AS part ({names})"


def _whole_minutes(after: datetime | None, before: datetime | None) -> Range | None:
    """Those of a window; None where it has none, or ends where years do."""
    try:
        first = None if after is None else ceiling(after, MINUTE)
        last = None if before is None else floor(before, MINUTE)
        if first is not None:
            ceiling(first, HOUR)
    except OverflowError:
        return None
    return None if first is not None and last is not None and first >= last else (first, last)


def _is_summed(rest: Criteria) -> bool:
    return PERIODS["flow_run"].answers(rest.on("flow_run", Parameters()))


def _within(column: str, range_: Range, parameters: Parameters) -> str:
    start, end = range_
    conditions = [] if start is None else [f"{column} >= {parameters.bind(start)}"]
    conditions += [] if end is None else [f"{column} < {parameters.bind(end)}"]
    return " AND ".join(conditions) or "TRUE"
