"""The load generator: closed-loop clients on keep-alive connections, in a process of its own, as cheap as it can be.

`python -m tests.benchmarks.load HOST PORT PARENT_ID CLIENTS WARM_UP_SECONDS SECONDS [CASE]` says `measuring` and
`measured` on standard output at the borders of the measured time, and then one line of JSON.
"""

import asyncio
import gc
import secrets
import sys
import zlib
from array import array
from time import perf_counter
from typing import cast
from uuid import UUID

import httptools
import orjson
import uvloop

from tests.benchmarks.operations import Case, Operation, Requests, WrongAnswerError, check

_DRAIN_SECONDS = 60.0


class Load:
    """What all clients share: the requests, the times measured, the errors, and when to stop."""

    def __init__(self, requests: Requests, case: Case) -> None:
        self.requests = requests
        #: What follows what.
        self.next = dict(zip(case.operations, (*case.operations[1:], case.operations[0]), strict=True))
        self.samples = {operation: array("d") for operation in case.operations}
        self.errors: list[str] = []
        self.completed = 0
        self.measuring = False
        self.stopping = False
        self._transitions = 0
        # Random once, counted from there on: as unique, and cheaper to make.
        self._prefix = str(UUID(bytes=secrets.token_bytes(16), version=4)).encode()[:24]

    def transition_id(self) -> bytes:
        """Return a new UUID."""
        self._transitions += 1
        return b"%s%012x" % (self._prefix, self._transitions)


class Client(asyncio.Protocol):
    """One client: sends a request, waits for its answer, sends the next."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._operation = Operation.CREATE
        self._run_id = b""
        self._sent_at = 0.0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._send(self._load.requests.create(self._load.transition_id()))

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls `on_body` and `on_message_complete`."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"not HTTP: {error!r}")

    def connection_lost(self, exc: Exception | None) -> None:
        """End; before the load stops this is an error."""
        if self.ended.done():
            return
        if not self._load.stopping:
            self._load.errors.append(f"{self._operation.label}: connection lost: {exc!r}")
        self.ended.set_result(None)

    def on_body(self, body: bytes) -> None:
        """Keep a part of an answer's body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Take the time, check the answer, and send what comes next."""
        took = perf_counter() - self._sent_at
        load, operation = self._load, self._operation
        try:
            run_id = check(operation, self._parser.get_status_code(), b"".join(self._body))
        except (WrongAnswerError, ValueError, KeyError, TypeError, zlib.error) as error:
            self._fail(repr(error))
            return
        if load.measuring:
            load.samples[operation].append(took)
        if operation is Operation.COMPLETED:
            load.completed += 1
        if load.stopping:
            self._transport.close()
            return
        self._body.clear()
        self._next(operation, run_id)

    def _next(self, operation: Operation, run_id: bytes) -> None:
        load = self._load
        if operation is Operation.CREATE:
            self._run_id = run_id
        self._operation = load.next[operation]
        if self._operation is Operation.CREATE:
            self._send(load.requests.create(load.transition_id()))
        elif self._operation is Operation.READ:
            self._send(load.requests.read(self._run_id))
        else:
            self._send(load.requests.set_state(self._operation, self._run_id, load.transition_id()))

    def _send(self, request: bytes) -> None:
        self._sent_at = perf_counter()
        self._transport.write(request)

    def _fail(self, error: str) -> None:
        self._load.errors.append(error)
        if not self.ended.done():
            self.ended.set_result(None)
        self._transport.abort()


async def generate(load: Load, host: str, port: int, clients: int, warm_up_seconds: float, seconds: float) -> float:
    """Put the load on the server; return how long the measured time really was."""
    loop = asyncio.get_running_loop()
    connections = [await loop.create_connection(lambda: Client(load), host, port) for _ in range(clients)]
    await asyncio.sleep(warm_up_seconds)
    _say("measuring")
    started, load.measuring = perf_counter(), True
    await asyncio.sleep(seconds)
    measured, load.measuring = perf_counter() - started, False
    _say("measured")
    load.stopping = True
    _, silent = await asyncio.wait([client.ended for _, client in connections], timeout=_DRAIN_SECONDS)
    load.errors += [f"no answer in {_DRAIN_SECONDS:.0f} s"] * len(silent)
    return measured


def main() -> None:
    """Generate one load and print what was measured."""
    host, port, parent_id, clients, warm_up_seconds, seconds, *rest = sys.argv[1:]
    case = Case(rest[0]) if rest else Case.FLOW_RUNS
    load = Load(Requests(f"{host}:{port}", parent_id, case), case)
    # Nothing here makes garbage in cycles, and a pause of the generator would be counted as the server's.
    gc.disable()
    measured = uvloop.run(generate(load, host, int(port), int(clients), float(warm_up_seconds), float(seconds)))
    report = {
        "seconds": measured,
        "samples": {operation.name: times.tolist() for operation, times in load.samples.items()},
        "completed": load.completed,
        "errors": load.errors[:5],
        "error_count": len(load.errors),
    }
    _say(orjson.dumps(report).decode())


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
