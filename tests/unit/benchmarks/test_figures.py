"""Percentiles and medians."""

import pytest

from tests.benchmarks.figures import InvalidRunError, Latency, Level, level_of, median_level
from tests.benchmarks.operations import Operation


def _level(per_second: float, p50: float, cpu: dict[str, float]) -> Level:
    latency = Latency(p50=p50, p99=p50 * 2)
    return Level(64, per_second, latency, dict.fromkeys(Operation, latency), cpu)


def test_percentiles_are_in_milliseconds() -> None:
    latency = Latency.of([number / 1000 for number in range(101)])
    assert latency.p50 == pytest.approx(50)
    assert latency.p99 == pytest.approx(99)


def test_the_order_of_the_samples_does_not_matter() -> None:
    assert Latency.of([0.3, 0.1, 0.2]) == Latency.of([0.1, 0.2, 0.3])


def test_one_slow_request_of_three_shows_in_p99_not_in_p50() -> None:
    latency = Latency.of([0.001, 0.001, 1.0])
    assert latency.p50 == pytest.approx(1)
    assert latency.p99 > 900


def test_too_few_answers_make_the_run_invalid() -> None:
    with pytest.raises(InvalidRunError, match="1 answers"):
        Latency.of([0.1])


def test_each_of_the_three_operations_counts_as_a_transition() -> None:
    samples = {Operation.CREATE: [0.1] * 10, Operation.RUNNING: [0.2] * 10, Operation.COMPLETED: [0.3] * 10}
    level = level_of(1, 2.0, samples, {})
    assert level.transitions_per_second == 15
    assert level.latency.p50 == pytest.approx(200)
    assert level.by_operation[Operation.COMPLETED].p50 == pytest.approx(300)


def test_a_figure_is_the_median_of_its_rounds() -> None:
    rounds = [_level(100, 5, {"policy": 0.1}), _level(900, 1, {"policy": 0.5}), _level(200, 3, {"policy": 0.3})]
    median = median_level(rounds)
    assert median.transitions_per_second == 200
    assert median.latency == Latency(p50=3, p99=6)
    assert median.cpu == {"policy": 0.3}


def test_cpu_time_of_a_transition_follows_from_share_and_throughput() -> None:
    assert _level(1000, 1, {"policy": 0.5}).cpu_microseconds("policy") == 500
