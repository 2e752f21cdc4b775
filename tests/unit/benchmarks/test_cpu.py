"""CPU shares."""

import pytest

from tests.benchmarks.cpu import EVERYTHING_ELSE, WHOLE_MACHINE, Sample, name_of, shares


def test_a_share_is_cpu_time_by_wall_time_summed_per_name() -> None:
    before = Sample(10.0, {(1, 0.0): ("postgres", 1.0), (2, 0.0): ("policy", 5.0)}, machine=100.0)
    after = Sample(
        14.0, {(1, 0.0): ("postgres", 2.0), (2, 0.0): ("policy", 8.0), (3, 11.0): ("postgres", 1.0)}, machine=106.0
    )
    assert shares(before, after) == {
        "policy": 0.75,
        "postgres": 0.5,
        EVERYTHING_ELSE: pytest.approx(0.25),
        WHOLE_MACHINE: 1.5,
    }


def test_a_process_id_used_again_is_another_process() -> None:
    before = Sample(0.0, {(1, 0.0): ("policy", 50.0)}, machine=0.0)
    after = Sample(2.0, {(1, 1.0): ("policy", 1.0)}, machine=1.0)
    assert shares(before, after)["policy"] == 0.5


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["/x/.venv/bin/python", "-m", "antiphon.services.gateway"], "gateway"),
        (["python", "-m", "antiphon.services.policy.main"], "policy"),
        (["/x/bin/python", "-m", "prefect", "server", "start"], "Prefect server"),
        (["python", "-m", "tests.benchmarks.load", "localhost"], "load generator"),
        (["/x/pginstall/bin/postgres", "-D", "data"], "postgres"),
        (["postgres: antiphon antiphon [local] idle"], "postgres"),
        (["/x/bin/nats-server", "-c", "c"], "nats-server"),
        (["/x/bin/python", "/x/bin/antiphon", "start"], "supervisor"),
        (["/x/bin/python", "-c", "import os", "20", "/x/bin/antiphon"], "other"),
        ([], "other"),
    ],
)
def test_processes_are_named_by_what_they_run(command: list[str], name: str) -> None:
    assert name_of(command) == name
