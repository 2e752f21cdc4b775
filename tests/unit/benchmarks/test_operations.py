"""The requests that the load generator sends, and what it takes for a right answer."""

import gzip
from typing import Any

import httptools
import orjson
import pytest

from tests.benchmarks.operations import Case, Operation, Requests, WrongAnswerError, check

FLOW = "11111111-1111-4111-8111-111111111111"
RUN = "22222222-2222-4222-8222-222222222222"
TRANSITION = "33333333-3333-4333-8333-333333333333"


class Received:
    """A request as a server parses it."""

    def __init__(self, request: bytes) -> None:
        self.path = ""
        self.headers: dict[str, str] = {}
        self.body = b""
        self.complete = 0
        httptools.HttpRequestParser(self).feed_data(request)

    def on_url(self, url: bytes) -> None:
        self.path = url.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete += 1


def _state(operation: Operation, status: str = "ACCEPT") -> bytes:
    return orjson.dumps({"state": {"type": operation.name}, "status": status})


def test_create_is_one_whole_request_about_the_flow() -> None:
    received = Received(Requests("localhost:1", FLOW).create(b""))
    assert received.complete == 1
    assert received.path == "/api/flow_runs/"
    assert received.headers["user-agent"] == "prefect/3.8.8 (API 0.8.4)"
    assert received.headers["x-prefect-api-version"] == "0.8.4"
    assert int(received.headers["content-length"]) == len(received.body)
    body = orjson.loads(received.body)
    assert body["flow_id"] == FLOW
    assert body["state"]["type"] == "PENDING"


def test_task_runs_of_one_task_have_keys_and_two_tags() -> None:
    requests = Requests("localhost:1", RUN, Case.TASK_RUNS)
    received = Received(requests.create(TRANSITION.encode()))
    assert (received.path, received.complete) == ("/api/task_runs/", 1)
    assert int(received.headers["content-length"]) == len(received.body)
    body = orjson.loads(received.body)
    assert (body["dynamic_key"], body["flow_run_id"], len(set(body["tags"]))) == (TRANSITION, RUN, 2)
    moved = Received(requests.set_state(Operation.RUNNING, RUN.encode(), TRANSITION.encode()))
    assert moved.path == f"/api/task_runs/{RUN}/set_state"


def test_a_run_is_read_without_a_body() -> None:
    received = Received(Requests("localhost:1", FLOW, Case.READ_BACK).read(RUN.encode()))
    assert (received.path, received.complete, received.body) == (f"/api/flow_runs/{RUN}", 1, b"")


def test_what_is_read_must_show_the_last_transition() -> None:
    assert check(Operation.READ, 200, orjson.dumps({"state_type": "COMPLETED"})) == b""
    with pytest.raises(WrongAnswerError, match="shown in state RUNNING"):
        check(Operation.READ, 200, orjson.dumps({"state_type": "RUNNING"}))


@pytest.mark.parametrize("operation", [Operation.RUNNING, Operation.COMPLETED])
def test_set_state_is_one_whole_request_about_the_run(operation: Operation) -> None:
    request = Requests("localhost:1", FLOW).set_state(operation, RUN.encode(), TRANSITION.encode())
    received = Received(request)
    assert received.complete == 1
    assert received.path == f"/api/flow_runs/{RUN}/set_state"
    assert int(received.headers["content-length"]) == len(received.body)
    state = orjson.loads(received.body)["state"]
    assert state["type"] == operation.name
    assert state["state_details"]["flow_run_id"] == RUN
    assert state["state_details"]["transition_id"] == TRANSITION


def test_the_id_of_a_created_run_is_taken_from_the_answer() -> None:
    assert check(Operation.CREATE, 201, orjson.dumps({"state_type": "PENDING", "id": RUN})) == RUN.encode()


def test_a_compressed_answer_is_read() -> None:
    body = gzip.compress(orjson.dumps({"state_type": "PENDING", "id": RUN}))
    assert check(Operation.CREATE, 201, body) == RUN.encode()


def test_an_accepted_transition_is_right() -> None:
    assert check(Operation.RUNNING, 201, _state(Operation.RUNNING)) == b""


@pytest.mark.parametrize(
    ("operation", "status", "body"),
    [
        pytest.param(Operation.RUNNING, 200, _state(Operation.RUNNING), id="other status"),
        pytest.param(Operation.RUNNING, 503, b"busy", id="outage"),
        pytest.param(Operation.RUNNING, 201, _state(Operation.RUNNING, "REJECT"), id="rejected"),
        pytest.param(Operation.RUNNING, 201, _state(Operation.COMPLETED), id="other state"),
        pytest.param(Operation.CREATE, 201, b'{"state_type":"SCHEDULED","id":"x"}', id="created elsewhere"),
    ],
)
def test_anything_else_is_wrong(operation: Operation, status: int, body: bytes) -> None:
    with pytest.raises(WrongAnswerError):
        check(operation, status, body)


def test_all_operations_have_labels() -> None:
    labels: list[Any] = [operation.label for operation in Operation]
    assert len(set(labels)) == len(Operation)
