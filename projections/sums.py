"""Adds up what has been found of runs in intervals, by their state."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from projections.intervals import Integers, Intervals
from projections.reading import Row
from projections.rollups import SECOND

State = tuple[str, str]
Doubles = NDArray[np.float64]


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

    def add_parts(self, states: Sequence[State], intervals: Integers, parts: Sequence[bytes]) -> None:
        """Add the parts of some periods, as they are stored; each is counted in the interval that is given for it."""
        rows = np.array([self._row(state) for state in states], dtype=np.int64)
        # As doubles they are exact up to 285 years.
        size = 24 * intervals.shape[1]
        every = b"".join((bytes(24 * packed[0]) + packed[1:]).ljust(size, b"\0") for packed in parts)
        numbers = np.frombuffer(every, dtype=">i8").astype(np.float64)
        self._arrays.append(((rows[:, np.newaxis] + intervals).ravel(), numbers.reshape(-1, 3)))

    def shown(self) -> list[Row]:
        """All intervals with their states, those without a run too."""
        states: list[list[Row]] = [[] for _ in range(self._intervals.count)]
        columns = self._added_up()
        for (state_type, state_name), row in sorted(self._states.items()):
            runs, run_time, lateness = (column[row : row + self._intervals.count] for column in columns)
            # What grows with the clock is asked for apart; it adds nothing where no run is counted.
            (found,) = np.nonzero(runs > 0)
            numbers = found, runs[found].astype(np.int64), run_time[found] / SECOND, lateness[found] / SECOND
            for interval, count, ran, late in zip(*(column.tolist() for column in numbers), strict=True):
                states[interval].append(
                    {
                        "state_type": state_type,
                        "state_name": state_name,
                        "count_runs": count,
                        "sum_estimated_run_time": ran,
                        "sum_estimated_lateness": late,
                    }
                )
        return [
            {"interval_start": start, "interval_end": end, "states": found}
            for (start, end), found in zip(pairwise(self._intervals.borders()), states, strict=True)
        ]

    def _row(self, state: State) -> int:
        return self._states.setdefault(state, len(self._states) * self._width)

    def _added_up(self) -> tuple[Doubles, ...]:
        arrays = [(np.array(self._places, dtype=np.int64), np.array(self._numbers).reshape(-1, 3)), *self._arrays]
        places = np.concatenate([found for found, _ in arrays])
        numbers = np.concatenate([found for _, found in arrays])
        size = len(self._states) * self._width
        return tuple(np.bincount(places, column, size).astype(np.float64, copy=False) for column in numbers.T)
