"""The comparison of answers finds what differs, and nothing else."""

from datetime import UTC, datetime

import pytest

from tests.benchmarks.queries.asking import _unlike
from tests.benchmarks.queries.cases import cases

NOW = datetime(2026, 3, 1, 12, 34, 56, 789, tzinfo=UTC)


@pytest.mark.parametrize(
    ("theirs", "ours", "is_alike"),
    [
        ([{"id": 1}], [{"id": 1}], True),
        ([{"id": 1}], [{"id": 2}], False),
        ([{"id": 1}, {"id": 2}], [{"id": 2}, {"id": 1}], False),
        ({"count": 3, "results": []}, {"count": 3, "results": [], "more": 1}, False),
        ({"estimated_run_time": 7.0}, {"estimated_run_time": 9.5}, True),
        ({"total_run_time": 7.0}, {"total_run_time": 9.5}, False),
        ({"states": [{"state_name": "A"}, {"state_name": "B"}]}, {"states": [{"state_name": "B"}]}, False),
        (
            {"states": [{"state_name": "A"}, {"state_name": "B"}]},
            {"states": [{"state_name": "B"}, {"state_name": "A"}]},
            True,
        ),
        (
            {"count_runs": 9, "sum_estimated_lateness": 100.0},
            {"count_runs": 9, "sum_estimated_lateness": 140.0},
            True,
        ),
        (
            {"count_runs": 1, "sum_estimated_lateness": 100.0},
            {"count_runs": 1, "sum_estimated_lateness": 140.0},
            False,
        ),
    ],
)
def test_answers_are_alike_but_for_what_the_clock_adds(theirs: object, ours: object, *, is_alike: bool) -> None:
    assert (_unlike(theirs, ours, "case") == "") == is_alike


def test_cases_have_names_of_their_own() -> None:
    asked = cases(NOW)
    assert len({case.name for case in asked}) == len(asked)
    assert {case.path for case in asked} == {"filter", "count", "paginate", "history", "lateness"}
