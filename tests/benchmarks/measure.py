"""Puts one level of load on a running server and makes its figures; whatever went wrong makes them invalid."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import IO, Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import orjson

from antiphon.services.runtime.embedded import child
from tests.acceptance.server import Server
from tests.benchmarks import cpu
from tests.benchmarks.figures import InvalidRunError, Level, level_of
from tests.benchmarks.operations import TAG_LIMIT, Case, Operation, tags_of

_REPOSITORY = Path(__file__).parents[2]
#: On top of the time that a program is meant to take.
_GRACE_SECONDS = 120.0

#: Entered when the measured time begins, left when it ends.
During = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long each level takes."""

    seconds: float
    warm_up_seconds: float


def measure_level(
    server: Server, clients: int, plan: Plan, during: During = nullcontext, case: Case = Case.FLOW_RUNS
) -> Level:
    """Put the load of so many clients on a server; raises InvalidRunError on any wrong answer."""
    address = urlsplit(server.api_url)
    parent_id = create_flow(server)
    if case is Case.TASK_RUNS:
        parent_id = _create_flow_run_with_limits(server, parent_id)
    arguments = [address.hostname, address.port, parent_id, clients, plan.warm_up_seconds, plan.seconds, case]
    deadline_seconds = plan.warm_up_seconds + plan.seconds + _GRACE_SECONDS
    with program("tests.benchmarks.load", [str(argument) for argument in arguments], deadline_seconds) as output:
        expect(output, "measuring")
        before = cpu.sample()
        with during():
            expect(output, "measured")
            after = cpu.sample()
        report = orjson.loads(output.readline())
    if report["error_count"]:
        raise InvalidRunError(
            f"{server.name} at {clients} clients: {report['error_count']} errors, for example {report['errors']}"
        )
    parents = "flow_runs" if case is Case.TASK_RUNS else "flows"
    verify_completed(server, case.kind, {parents: {"id": {"any_": [parent_id]}}}, report["completed"])
    samples = {Operation[name]: times for name, times in report["samples"].items()}
    return level_of(clients, report["seconds"], samples, cpu.shares(before, after))


@contextmanager
def program(module: str, arguments: Sequence[str], deadline_seconds: float) -> Iterator[IO[bytes]]:
    """Run a module of ours beside this process and give its standard output; raises InvalidRunError if it fails."""
    command = child.ending_with_parent([sys.executable, "-m", module, *arguments])
    with subprocess.Popen(command, cwd=_REPOSITORY, stdout=subprocess.PIPE) as process:  # noqa: S603
        timer = Timer(deadline_seconds, process.kill)
        timer.start()
        try:
            assert process.stdout is not None
            yield process.stdout
            code = process.wait()
        finally:
            timer.cancel()
            process.kill()
    if code != 0:
        raise InvalidRunError(f"{module} ended with exit code {code}")


def expect(output: IO[bytes], word: str) -> None:
    """Wait until a program of ours says a word."""
    line = output.readline().decode().strip()
    if line != word:
        raise InvalidRunError(f"the program said {line!r} where {word!r} was expected")


def create_flow(server: Server) -> str:
    """Create a flow of its own for one measurement."""
    answer = httpx.post(f"{server.api_url}/flows/", json={"name": f"ingest-{uuid4()}"}, timeout=30)
    answer.raise_for_status()
    flow_id: str = answer.json()["id"]
    return flow_id


def _create_flow_run_with_limits(server: Server, flow_id: str) -> str:
    # Tasks run only while their flow does.
    run = {"flow_id": flow_id, "state": {"type": "RUNNING"}}
    answer = httpx.post(f"{server.api_url}/flow_runs/", json=run, timeout=30).raise_for_status()
    flow_run_id: str = answer.json()["id"]
    for tag in tags_of(flow_run_id):
        limit = {"tag": tag, "concurrency_limit": TAG_LIMIT}
        httpx.post(f"{server.api_url}/concurrency_limits/", json=limit, timeout=30).raise_for_status()
    return flow_run_id


def verify_completed(server: Server, kind: str, of: dict[str, Any], expected: int) -> None:
    """Make sure that the server itself shows so many completed runs, `of` what is a filter."""
    body: dict[str, Any] = {**of, kind: {"state": {"type": {"any_": ["COMPLETED"]}}}}
    answer = httpx.post(f"{server.api_url}/{kind}/count", json=body, timeout=60)
    answer.raise_for_status()
    if answer.json() != expected:
        raise InvalidRunError(f"{server.name} shows {answer.json()} completed runs, not {expected}")
