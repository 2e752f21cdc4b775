"""A client of the load generator, answered byte by byte."""

import asyncio

import orjson
import pytest

from tests.benchmarks.load import Client, Load
from tests.benchmarks.operations import Case, Operation, Requests

RUN = "22222222-2222-4222-8222-222222222222"


class Wire(asyncio.Transport):
    """Keeps what a client writes."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.closed = True
        self._client.connection_lost(None)

    def abort(self) -> None:
        self.close()


def _answer(body: object, status: str = "201 Created") -> bytes:
    content = orjson.dumps(body)
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content


CREATED = _answer({"id": RUN, "state_type": "PENDING"})
RUNNING = _answer({"status": "ACCEPT", "state": {"type": "RUNNING"}})
COMPLETED = _answer({"status": "ACCEPT", "state": {"type": "COMPLETED"}})


async def _connected(case: Case = Case.FLOW_RUNS) -> tuple[Load, Client, Wire]:
    load = Load(Requests("localhost:1", "11111111-1111-4111-8111-111111111111", case), case)
    load.measuring = True
    client = Client(load)
    wire = Wire(client)
    client.connection_made(wire)
    return load, client, wire


@pytest.mark.parametrize("piece", [1, 7, 10_000])
async def test_a_client_creates_starts_completes_and_begins_again(piece: int) -> None:
    load, client, wire = await _connected()
    for answer in (CREATED, RUNNING, COMPLETED):
        for start in range(0, len(answer), piece):
            client.data_received(answer[start : start + piece])
    lines = [request.split(b"\r\n", 1)[0].decode() for request in wire.written]
    create, set_state = "POST /api/flow_runs/ HTTP/1.1", f"POST /api/flow_runs/{RUN}/set_state HTTP/1.1"
    assert lines == [create, set_state, set_state, create]
    assert [len(times) for times in load.samples.values()] == [1, 1, 1]
    assert load.completed == 1
    assert load.errors == []


async def test_a_run_is_read_back_before_the_next_begins() -> None:
    load, client, wire = await _connected(Case.READ_BACK)
    for answer in (CREATED, RUNNING, COMPLETED, _answer({"state_type": "COMPLETED"}, "200 OK")):
        client.data_received(answer)
    lines = [request.split(b"\r\n", 1)[0].decode() for request in wire.written]
    assert lines[3:] == [f"GET /api/flow_runs/{RUN} HTTP/1.1", "POST /api/flow_runs/ HTTP/1.1"]
    assert (load.completed, load.errors) == (1, [])


async def test_each_request_has_a_transition_id_of_its_own() -> None:
    load = (await _connected())[0]
    ids = [load.transition_id() for _ in range(100)]
    assert len(set(ids)) == 100
    assert {len(transition_id) for transition_id in ids} == {36}


async def test_answers_outside_the_measured_time_are_not_counted() -> None:
    load, client, _ = await _connected()
    load.measuring = False
    client.data_received(CREATED)
    assert not load.samples[Operation.CREATE]


async def test_a_client_ends_with_its_next_answer_when_the_load_stops() -> None:
    load, client, wire = await _connected()
    load.stopping = True
    client.data_received(CREATED)
    assert wire.closed
    assert client.ended.done()
    assert len(wire.written) == 1
    assert load.errors == []


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(_answer({"detail": "busy"}, "503 Service Unavailable"), id="outage"),
        pytest.param(_answer({"status": "ACCEPT"}), id="answer to another question"),
        pytest.param(b"HTTP/1.1 201 Created\r\ncontent-length: 3\r\n\r\n{{{", id="no JSON"),
        pytest.param(_answer([]), id="list"),
        pytest.param(b"HTTP/1.1 201 Created\r\ncontent-length: 3\r\n\r\n\x1f\x8b!", id="no gzip"),
        pytest.param(b"what?\r\n\r\n", id="no HTTP"),
    ],
)
async def test_a_wrong_answer_is_one_error_and_ends_the_client(answer: bytes) -> None:
    load, client, wire = await _connected()
    client.data_received(answer)
    assert len(load.errors) == 1
    assert client.ended.done()
    assert wire.closed


async def test_a_lost_connection_is_an_error() -> None:
    load, client, _ = await _connected()
    client.connection_lost(ConnectionResetError())
    assert len(load.errors) == 1
    assert "connection lost" in load.errors[0]
    assert client.ended.done()
