"""The figures of one measurement, and medians over repeated ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from tests.benchmarks.operations import TRANSITIONS, Operation


class InvalidRunError(Exception):
    """A measurement in which something went wrong: its figures mean nothing."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long requests took, in milliseconds."""

    p50: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        """Return the percentiles of measured times; raises InvalidRunError when there are too few."""
        if len(seconds) < 2:
            raise InvalidRunError(f"{len(seconds)} answers in the measured time: measure longer")
        percentiles = quantiles(seconds, n=100, method="inclusive")
        return cls(p50=percentiles[49] * 1000, p99=percentiles[98] * 1000)


@dataclass(frozen=True, slots=True)
class Level:
    """What a server did under one number of clients."""

    clients: int
    transitions_per_second: float
    latency: Latency
    by_operation: Mapping[Operation, Latency]
    #: CPU time per process, as a share of one core.
    cpu: Mapping[str, float]

    def cpu_microseconds(self, process: str) -> float:
        """CPU time that a process spends on one transition."""
        return self.cpu[process] / self.transitions_per_second * 1e6


def level_of(
    clients: int, seconds: float, samples: Mapping[Operation, Sequence[float]], cpu: Mapping[str, float]
) -> Level:
    """Make the figures from the times of all requests answered in the measured time."""
    transitions = [sample for operation in TRANSITIONS for sample in samples[operation]]
    return Level(
        clients=clients,
        transitions_per_second=len(transitions) / seconds,
        latency=Latency.of(transitions),
        by_operation={operation: Latency.of(times) for operation, times in samples.items()},
        cpu=cpu,
    )


def median_level(rounds: Sequence[Level]) -> Level:
    """Return the median of each figure over the rounds."""
    names = [name for name in rounds[0].cpu if all(name in level.cpu for level in rounds)]
    return Level(
        clients=rounds[0].clients,
        transitions_per_second=median(level.transitions_per_second for level in rounds),
        latency=_median_latency([level.latency for level in rounds]),
        by_operation={
            operation: _median_latency([level.by_operation[operation] for level in rounds])
            for operation in rounds[0].by_operation
        },
        cpu={name: median(level.cpu[name] for level in rounds) for name in names},
    )


def _median_latency(rounds: Sequence[Latency]) -> Latency:
    return Latency(p50=median(latency.p50 for latency in rounds), p99=median(latency.p99 for latency in rounds))
