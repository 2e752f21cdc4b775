"""Adds up what has been found of runs in intervals, by their state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import repeat
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from projections.intervals import Integers, Intervals
from projections.moments import DAY, HOUR, MICROSECOND, MINUTE
from projections.rollups import SECOND

State = tuple[str, str]
Doubles = NDArray[np.float64]

#: How many parts a period has, by their length.
_PARTS: Final = {MINUTE: HOUR // MINUTE, HOUR: DAY // HOUR}
#: Of runs, of run time, of lateness.
_BYTES: Final = 24


class Periods(NamedTuple):
    """Sums of states in hours or in days, as they are stored: a column each."""

    #: In microseconds since 1970.
    starts: Sequence[int]
    states: Sequence[State]
    #: See schema/0014_parts.sql.
    parts: Sequence[bytes]
    #: From which one on they are of instants (schema/0018_instants.sql).
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
        numbers = np.zeros((len(starts), 3))
        numbers[:, 1], numbers[:, 2] = run_time, lateness
        self._arrays.append((self._row(state) + self._intervals.of(starts), numbers))

    def add_periods(self, periods: Periods, length: timedelta, now: int, known_until: int) -> None:
        """Add the parts of periods, minutes or hours, each in the interval where it is counted.

        Those of instants add what the clock has added to runs, which are counted already. How late runs are they tell
        only where all were expected before a moment: of the others some may not be late yet.
        """
        numbers = _numbers(periods.parts, length)
        starts = np.array(periods.starts, dtype=np.int64)
        growing = numbers[periods.growing :]
        began = starts[periods.growing :, np.newaxis]
        grown = growing[:, :, 0] * (now - began) - growing[:, :, 1] - growing[:, :, 2]
        parts = began + np.arange(_PARTS[length]) * (length // MICROSECOND)
        running = [[state_type == "RUNNING"] for state_type, _ in periods.states[periods.growing :]]
        are_running = np.array(running, dtype=bool).reshape(-1, 1)
        growing[:, :, 0] = 0
        growing[:, :, 1] = np.where(are_running, grown, 0)
        growing[:, :, 2] = np.where(np.logical_not(are_running) & (parts < known_until), grown, 0)
        rows = np.array([self._row(state) for state in periods.states], dtype=np.int64)
        # Many of them begin at the same time.
        starts, of_period = np.unique(starts, return_inverse=True)
        intervals = self._intervals.of_minutes(starts) if length == MINUTE else self._intervals.of_hours(starts)
        self._arrays.append(((rows[:, np.newaxis] + intervals[of_period]).ravel(), numbers.reshape(-1, 3)))

    def encoded(self) -> bytes:
        """Prefect's JSON: all intervals with their states, those without a run too."""
        states: list[list[_OfState]] = [[] for _ in range(self._intervals.count)]
        columns = self._added_up()
        for (state_type, state_name), row in sorted(self._states.items()):
            runs, run_time, lateness = (column[row : row + self._intervals.count] for column in columns)
            # What grows with the clock is asked for apart; it adds nothing where no run is counted.
            (found,) = np.nonzero(runs > 0)
            # Of a run that began to run just now, by another clock, it may be less than nothing.
            times = (np.maximum(column[found], 0) / SECOND for column in (run_time, lateness))
            numbers = (column.tolist() for column in (runs[found].astype(np.int64), *times))
            made = map(_OfState, repeat(state_type), repeat(state_name), *numbers)
            for interval, of_state in zip(found.tolist(), made, strict=True):
                states[interval].append(of_state)
        borders = self._intervals.borders()
        return _encoder.encode(list(map(_Interval, borders, borders[1:], states)))

    def _row(self, state: State) -> int:
        return self._states.setdefault(state, len(self._states) * self._width)

    def _added_up(self) -> tuple[Doubles, ...]:
        arrays = [(np.array(self._places, dtype=np.int64), np.array(self._numbers).reshape(-1, 3)), *self._arrays]
        places = np.concatenate([found for found, _ in arrays])
        numbers = np.concatenate([found for _, found in arrays])
        size = len(self._states) * self._width
        return tuple(np.bincount(places, column, size).astype(np.float64, copy=False) for column in numbers.T)


def _numbers(parts: Sequence[bytes], length: timedelta) -> Doubles:
    """By period, part and number; as doubles they are exact up to 285 years."""
    size = _BYTES * _PARTS[length]
    every = bytearray(size * len(parts))
    for place, packed in zip(range(0, len(every), size), parts, strict=True):
        # The first byte says how many parts are missing before the first one.
        first = place + _BYTES * packed[0]
        every[first : first + len(packed) - 1] = packed[1:]
    return np.frombuffer(every, dtype=">i8").astype(np.float64).reshape(len(parts), -1, 3)
