"""Measures commands published on NATS against a running Antiphon."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from statistics import median

import orjson

from tests.acceptance.server import Server
from tests.benchmarks import cpu
from tests.benchmarks.measure import During, create_flow, expect, program, verify_completed
from tests.benchmarks.native import Native
from tests.benchmarks.operations import TRANSITIONS
from tests.benchmarks.servers import run_of

_WARM_UP_RUNS = 500
_DEADLINE_SECONDS = 600.0


def measure_native(server: Server, runs: int, during: During = nullcontext) -> Native:
    """Publish so many runs' commands; raises InvalidRunError unless all of them are completed at the end."""
    _publish(server, _WARM_UP_RUNS, nullcontext)
    return _publish(server, runs, during)


def _publish(server: Server, runs: int, during: During) -> Native:
    run = run_of(server)
    flow_id = create_flow(server)
    arguments = [run.nats_url, run.postgres_url, flow_id, str(runs)]
    with program("tests.benchmarks.native", arguments, _DEADLINE_SECONDS) as output:
        expect(output, "measuring")
        before = cpu.sample()
        with during():
            expect(output, "measured")
            after = cpu.sample()
        seconds = orjson.loads(output.readline())["seconds"]
    verify_completed(server, "flow_runs", {"flows": {"id": {"any_": [flow_id]}}}, runs)
    transitions = runs * len(TRANSITIONS)
    return Native(transitions, transitions / seconds, cpu.shares(before, after))


def median_native(rounds: Sequence[Native]) -> Native:
    """Return the median of each figure over the rounds."""
    return Native(
        transitions=rounds[0].transitions,
        transitions_per_second=median(native.transitions_per_second for native in rounds),
        cpu={name: median(native.cpu.get(name, 0.0) for native in rounds) for name in rounds[0].cpu},
    )
