"""Adds up what has been found of runs in intervals, by their state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from antiphon.projections.core.moments import MICROSECOND, MINUTE
from antiphon.projections.sums.intervals import Integers, Intervals
from antiphon.projections.sums.rollups import SECOND

State = tuple[str, str]
Doubles = NDArray[np.float64]

#: Of a part: of runs, of run time, of lateness.
_BYTES: Final = 24


class Periods(NamedTuple):
    """Sums of states in hours or in days, as they are stored: a column each."""

    #: In microseconds since 1970.
    starts: Sequence[int]
    states: Sequence[State]
    #: See schema/derived/run_sums.sql.
    parts: Sequence[bytes]
    #: From which one on they are of instants (schema/derived/run_sums.sql).
    growing: int


class _OfState(msgspec.Struct, gc=False):
    state_type: str
    state_name: str
    count_runs: int
    sum_estimated_run_time: float
    sum_estimated_lateness: float


class _Interval(msgspec.Struct):
    interval_start: datetime
    interval_end: datetime
    states: list[_OfState]


#: A history is a thousand objects and more: they are made and written in two thirds of the time that dictionaries take.
_encoder: Final = msgspec.json.Encoder()


class Sums:
    """Runs, run time and lateness of each state in each interval; times come in microseconds."""

    def __init__(self, intervals: Intervals) -> None:
        self._intervals = intervals
        #: One place more than there are intervals: what belongs to none of them goes there.
        self._width = intervals.count + 1
        self._states: dict[State, int] = {}
        self._places: list[int] = []
        self._numbers: list[tuple[float, float, float]] = []
        self._arrays: list[tuple[Integers, Doubles]] = []

    def add(self, state: State, interval: int, runs: float, run_time: float, lateness: float) -> None:
        """Add to one interval, which may be none of those that are asked for."""
        if 0 <= interval < self._intervals.count:
            self._places.append(self._row(state) + interval)
            self._numbers.append((runs, run_time, lateness))

    def add_each(
        self, state: State, starts: Integers, *, run_time: float | Doubles = 0.0, lateness: float | Doubles = 0.0
    ) -> None:
        """Add what the clock has added to some runs, which are counted already."""
        numbers = np.zeros((3, len(starts)))
        numbers[1], numbers[2] = run_time, lateness
        self._arrays.append((self._row(state) + self._intervals.of(starts), numbers))

    def add_periods(self, periods: Periods, length: timedelta, now: int, known_until: int) -> None:
        """Add the parts of periods, minutes or hours, each in the interval where it is counted.

        Those of instants add what the clock has added to runs, which are counted already. How late runs are they tell
        only where all were expected before a moment: of the others some may not be late yet.
        """
        parts = _Parts.of(periods, length)
        first = int(np.searchsorted(parts.periods, periods.growing))
        of_periods, growing = parts.periods[first:], parts.numbers[:, first:]
        grown = growing[0] * (now - np.array(periods.starts)[of_periods]) - growing[1] - growing[2]
        running = np.array([state_type == "RUNNING" for state_type, _ in periods.states])[of_periods]
        growing[0] = 0
        growing[1] = np.where(running, grown, 0)
        growing[2] = np.where(np.logical_not(running) & (parts.moments[first:] < known_until), grown, 0)
        rows = np.array([self._row(state) for state in periods.states], dtype=np.int64)
        of = self._intervals.of_minutes if length == MINUTE else self._intervals.of_hours
        self._arrays.append((rows[parts.periods] + of(parts.moments), parts.numbers))

    def encoded(self) -> bytes:
        """Prefect's JSON: all intervals with their states, those without a run too."""
        in_order = sorted(self._states)
        found = [self._states[state] // self._width for state in in_order]
        columns = self._added_up()[:, found, : self._intervals.count]
        # What grows with the clock is asked for apart; it adds nothing where no run is counted.
        places, intervals = np.nonzero(columns[0] > 0)
        runs, *times = columns[:, places, intervals]
        # Of a run that began to run just now, by another clock, it may be less than nothing.
        numbers = runs.astype(np.int64).tolist(), *((np.maximum(time, 0) / SECOND).tolist() for time in times)
        types, names = ([state[part] for state in in_order] for part in (0, 1))
        of_states = places.tolist()
        made = map(_OfState, map(types.__getitem__, of_states), map(names.__getitem__, of_states), *numbers)
        states: list[list[_OfState]] = [[] for _ in range(self._intervals.count)]
        for interval, of_state in zip(intervals.tolist(), made, strict=True):
            states[interval].append(of_state)
        borders = self._intervals.borders()
        return _encoder.encode(list(map(_Interval, borders, borders[1:], states)))

    def _row(self, state: State) -> int:
        return self._states.setdefault(state, len(self._states) * self._width)

    def _added_up(self) -> Doubles:
        """By number, state and interval."""
        single = np.array(self._places, dtype=np.int64), np.array(self._numbers).reshape(-1, 3).T
        size = len(self._states) * self._width
        sums = np.zeros((3, size))
        for places, numbers in (single, *self._arrays):
            sums += [np.bincount(places, each, size) for each in numbers]
        return sums.reshape(3, -1, self._width)


class _Parts(NamedTuple):
    """The parts of periods, one after the other; those at the ends that are zero are left out."""

    #: Which period each is a part of: its place.
    periods: Integers
    #: When each begins, in microseconds since 1970.
    moments: Integers
    #: Runs, run time and lateness; as doubles these are exact up to 285 years.
    numbers: Doubles

    @classmethod
    def of(cls, periods: Periods, length: timedelta) -> Self:
        """Those of some periods, minutes or hours."""
        counts = np.array([-(-(len(packed) - 1) // _BYTES) for packed in periods.parts], dtype=np.int64)
        # The first byte says how many are missing before the first one.
        firsts = np.array([packed[0] for packed in periods.parts], dtype=np.int64)
        sized = zip(periods.parts, (_BYTES * counts).tolist(), strict=True)
        every = b"".join([packed[1:].ljust(size, b"\x00") for packed, size in sized])
        numbers = np.frombuffer(every, dtype=">i8").reshape(-1, 3).T.astype(np.float64, order="C")
        of_periods = np.repeat(np.arange(len(counts)), counts)
        places = np.arange(len(of_periods)) + (firsts - np.cumsum(counts) + counts)[of_periods]
        moments = np.array(periods.starts, dtype=np.int64)[of_periods] + places * (length // MICROSECOND)
        return cls(of_periods, moments, numbers)
