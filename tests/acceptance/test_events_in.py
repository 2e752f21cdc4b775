"""The socket on which the SDK reports task runs, and what is recorded of the reports."""

import json
import time
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.acceptance.cases.case import UNKNOWN
from tests.acceptance.conftest import Pair
from tests.acceptance.normal import Normalizer, difference
from tests.acceptance.server import Server
from tests.acceptance.sockets import AUTHENTICATE, events_in, transcripts

pytestmark = pytest.mark.acceptance

_DEADLINE_SECONDS = 20
_EVENT = {
    "occurred": "2001-01-01T00:00:00Z",
    "event": "a.thing.happened",
    "resource": {"prefect.resource.id": "a.thing"},
    "id": "00000000-0000-4000-8000-00000000e0e0",
}

TALKS: dict[str, tuple[list[str | bytes], dict[str, Any]]] = {
    "authenticated": ([AUTHENTICATE], {}),
    "authenticated with a token": (['{"type": "auth", "token": "secret"}'], {}),
    "authenticated, then an event": ([AUTHENTICATE, json.dumps(_EVENT)], {}),
    "authenticated twice": ([AUTHENTICATE, AUTHENTICATE], {}),
    "an event first": ([json.dumps(_EVENT)], {}),
    "another type first": (['{"type": "hello"}'], {}),
    "no object first": (["[]"], {}),
    "no JSON first": (["hello"], {}),
    "bytes first": ([AUTHENTICATE.encode()], {}),
    "no JSON later": ([AUTHENTICATE, "{"], {}),
    "no event later": ([AUTHENTICATE, "{}"], {}),
    "an event without a resource id": ([AUTHENTICATE, json.dumps({**_EVENT, "resource": {}})], {}),
    "an event with an unknown key": ([AUTHENTICATE, json.dumps({**_EVENT, "nope": 1})], {}),
    "an event as bytes": ([AUTHENTICATE, json.dumps(_EVENT).encode()], {}),
    "no subprotocol": ([json.dumps(_EVENT)], {"subprotocol": None}),
    "no subprotocol, no event": (["{"], {"subprotocol": None}),
    "another subprotocol": ([AUTHENTICATE], {"subprotocol": "other"}),
    "an unknown path": ([], {"path": "/events/nowhere"}),
    "a slash at the end": ([], {"path": "/events/in/"}),
    "a path that is no socket": ([], {"path": "/flows/filter"}),
}


def test_the_socket_answers_alike(pair: Pair) -> None:
    theirs, ours = pair.answers("sockets/reports", TALKS, lambda server: transcripts(server, TALKS))
    assert theirs == ours


class Reporter:
    """Reports task runs to one server as the SDK does, with ids and times that are the same for both servers."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._api = httpx.Client(base_url=server.api_url, timeout=30)
        flow = self._api.post("/flows/", json={"name": "reports"}).json()
        body = {"flow_id": flow["id"], "name": "reports", "state": {"type": "RUNNING"}}
        self.flow_run_id: str = self._api.post("/flow_runs/", json=body).json()["id"]

    def close(self) -> None:
        """Close the connection."""
        self._api.close()

    def report(self, *events: dict[str, Any]) -> None:
        """Send events on one connection, and wait until the server has read them."""
        with events_in(self._server) as connection:
            connection.send(AUTHENTICATE)
            connection.recv(5)
            for event in events:
                connection.send(json.dumps(event))
            assert connection.ping().wait(5)

    def event(self, number: int, second: int, kind: str, **changes: Any) -> dict[str, Any]:
        """Make the event of a task run entering a state."""
        run_id = f"00000000-0000-7000-8001-{number:012}"
        details = {"flow_run_id": self.flow_run_id, "task_run_id": run_id}
        task_run: dict[str, Any] = {
            "name": f"task-{number}",
            "task_key": "key",
            "dynamic_key": f"dynamic-{number}",
            "run_count": 0 if kind == "PENDING" else 1,
            "tags": ["b", "a"],
            "task_inputs": {},
            "expected_start_time": "2001-01-01T00:00:00Z",
        }
        event: dict[str, Any] = {
            "occurred": f"2001-01-01T00:00:{second:02}Z",
            "event": f"prefect.task-run.{kind.capitalize()}",
            "id": f"00000000-0000-7{second:03}-8000-{number:012}",
            "resource": {
                "prefect.resource.id": f"prefect.task-run.{run_id}",
                "prefect.resource.name": f"task-{number}",
                "prefect.orchestration": "client",
            },
            "related": [
                {"prefect.resource.id": f"prefect.flow-run.{self.flow_run_id}", "prefect.resource.role": "flow-run"}
            ],
            "payload": {
                "intended": {"from": None, "to": kind},
                "initial_state": None,
                "validated_state": {"type": kind, "name": kind.capitalize(), "message": "", "state_details": details},
                "task_run": {**task_run, **changes.pop("task_run", {})},
            },
        }
        return event | changes

    def recorded(self, numbers: list[int], states: int) -> list[Any]:
        """Return the task runs once they have so many states in all, or at the deadline."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        run_ids = [f"00000000-0000-7000-8001-{number:012}" for number in numbers]
        while sum(len(self._states(run_id)) for run_id in run_ids) < states and time.monotonic() < deadline:
            time.sleep(0.1)
        normalize = Normalizer({self.flow_run_id: "<flow run>"})
        found = []
        for run_id in run_ids:
            run = self._api.get(f"/task_runs/{run_id}")
            shown = {"run": run.json(), "states": self._states(run_id)}
            found.append({"status": run.status_code, **normalize(shown)})
        return found

    def _states(self, run_id: str) -> list[Any]:
        states: list[Any] = self._api.get("/task_run_states/", params={"task_run_id": run_id}).json()
        return states


def _in_order(reporter: Reporter) -> list[Any]:
    reporter.report(*(reporter.event(1, n, kind) for n, kind in enumerate(("PENDING", "RUNNING", "COMPLETED"))))
    return reporter.recorded([1], 3)


def _backwards(reporter: Reporter) -> list[Any]:
    kinds = list(enumerate(("PENDING", "RUNNING", "COMPLETED")))
    for n, kind in reversed(kinds):
        reporter.report(reporter.event(2, n, kind))
        reporter.recorded([2], 3 - n)
    return reporter.recorded([2], 3)


def _repeated(reporter: Reporter) -> list[Any]:
    first, second = reporter.event(3, 0, "PENDING"), reporter.event(3, 1, "RUNNING")
    reporter.report(first, first, second, first, second)
    reporter.report(first, second)
    reporter.report(reporter.event(4, 9, "COMPLETED"))
    return reporter.recorded([3, 4], 3)


def _same_key(reporter: Reporter) -> list[Any]:
    """Two ids for one task of a flow run: the first one stays."""
    reporter.report(reporter.event(5, 0, "PENDING", task_run={"dynamic_key": "clash"}))
    reporter.recorded([5], 1)
    reporter.report(reporter.event(6, 1, "RUNNING", task_run={"dynamic_key": "clash"}))
    return reporter.recorded([5, 6], 2)


def _without_flow_run(reporter: Reporter) -> list[Any]:
    reporter.report(reporter.event(7, 0, "COMPLETED", related=[]))
    return reporter.recorded([7], 1)


def _not_the_clients(reporter: Reporter) -> list[Any]:
    """Only what the client orchestrates is recorded from its reports."""
    other = {"prefect.resource.id": "prefect.task-run.00000000-0000-7000-8001-000000000008"}
    reporter.report(reporter.event(8, 0, "RUNNING", resource=other), reporter.event(9, 0, "RUNNING"))
    return reporter.recorded([8, 9], 1)


def _every_field(reporter: Reporter) -> list[Any]:
    fields = {
        "empirical_policy": {"retries": 2, "retry_delay": [1, 2], "retry_jitter_factor": 0.5},
        "labels": {"own": "label", "n": 1},
        "task_inputs": {"x": [{"input_type": "task_run", "id": UNKNOWN}], "y": []},
        "cache_key": "c",
        "cache_expiration": "2099-01-01T00:00:00Z",
        "task_version": "v",
        "flow_run_run_count": 3,
        "run_count": 4,
        "start_time": "2001-01-01T00:00:01Z",
        "end_time": "2001-01-01T00:00:02Z",
        "total_run_time": 1.5,
        "estimated_run_time": 9.0,
        "created": "2001-01-01T00:00:00Z",
    }
    reporter.report(reporter.event(10, 2, "FAILED", task_run=fields))
    return reporter.recorded([10], 1)


REPORTS = {
    report.__name__.strip("_"): report
    for report in (
        _in_order,
        _backwards,
        _repeated,
        _same_key,
        _without_flow_run,
        _not_the_clients,
        _every_field,
    )
}


@pytest.mark.parametrize("report", REPORTS)
def test_reports_are_recorded_alike(report: str, pair: Pair) -> None:
    def ask(server: Server) -> list[Any]:
        with closing(Reporter(server)) as reporter:
            return REPORTS[report](reporter)

    theirs, ours = pair.answers(f"reports/{report}", [REPORTS[report], Reporter], ask)
    assert any(each["status"] == 200 for each in theirs), theirs
    found = difference(theirs, ours)
    if found:
        pytest.fail(found, pytrace=False)


def test_a_useless_report_does_not_stop_the_ones_behind_it(pair: Pair) -> None:
    if pair.judges_itself:
        pytest.skip("the genuine server tries useless reports again for half a minute, and all others wait")
    with closing(Reporter(pair.subject)) as reporter:
        broken = reporter.event(11, 0, "RUNNING", payload={})
        no_uuid = reporter.event(12, 0, "RUNNING")
        no_uuid["resource"] = {**no_uuid["resource"], "prefect.resource.id": "prefect.task-run.nonsense"}
        no_type = reporter.event(13, 0, "SLEEPING")
        reporter.report(broken, no_uuid, no_type, reporter.event(14, 0, "RUNNING"))
        assert [run["status"] for run in reporter.recorded([11, 13, 14], 1)] == [404, 404, 200]
