"""The three requests of the measured loop, encoded once as the SDK sends them, and what a right answer to each is."""

import zlib
from enum import IntEnum
from typing import Final

import orjson

#: A JSON document cannot begin like this, so the header that says it need not be looked at.
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW_BITS: Final = 31

_FLOW_NAME: Final = "ingest"
#: Stands for an id in a body while that is measured.
_ANY_ID: Final = "00000000-0000-0000-0000-000000000000"


class Operation(IntEnum):
    """One transition of a flow run; a client makes them in this order, over and over."""

    CREATE = 0
    RUNNING = 1
    COMPLETED = 2

    @property
    def label(self) -> str:
        """How reports call it."""
        return ("create (PENDING)", "set_state RUNNING", "set_state COMPLETED")[self]


class WrongAnswerError(Exception):
    """The server answered something else than that it made the transition."""


class Requests:
    """Complete HTTP requests against one server and one flow; only ids differ from one to the next."""

    def __init__(self, host: str, flow_id: str) -> None:
        self._host = host
        self._flow_id = flow_id
        self.create: Final = self._encode("/api/flow_runs/", _create_body(flow_id))
        self._set_state = {
            Operation.RUNNING: self._template("RUNNING", untrackable_result=False, attributed=False),
            Operation.COMPLETED: self._template("COMPLETED", untrackable_result=True, attributed=True),
        }

    def set_state(self, operation: Operation, run_id: bytes, transition_id: bytes) -> bytes:
        """Return the request that proposes the operation's state for a run."""
        return self._set_state[operation] % (run_id, run_id, transition_id)

    def _template(self, state_type: str, *, untrackable_result: bool, attributed: bool) -> bytes:
        # All ids have the same length, so the Content-Length holds for every request made from the template.
        body = _set_state_body(state_type, untrackable_result=untrackable_result)
        sample = self._encode("/api/flow_runs/%s/set_state", body, attributed=attributed)
        head, _, rest = sample.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n" + rest.replace(_ANY_ID.encode(), b"%s")

    def _encode(self, path: str, body: bytes, *, attributed: bool = False) -> bytes:
        headers = [
            f"POST {path} HTTP/1.1",
            f"Host: {self._host}",
            "Accept: */*",
            "Accept-Encoding: gzip, deflate",
            "Connection: keep-alive",
            "User-Agent: prefect/3.8.8 (API 0.8.4)",
            "X-PREFECT-API-VERSION: 0.8.4",
            f"Content-Length: {len(body)}",
            "Content-Type: application/json",
        ]
        if attributed:
            # The SDK adds them from the moment that the flow's own code runs.
            headers += [f"X-Prefect-Flow-Id: {self._flow_id}", f"X-Prefect-Flow-Name: {_FLOW_NAME}"]
        return "\r\n".join(headers).encode() + b"\r\n\r\n" + body


def check(operation: Operation, status: int, body: bytes) -> bytes:
    """Return the id of the run that an answer is about, empty for a transition; raises WrongAnswerError."""
    content = zlib.decompress(body, _GZIP_WINDOW_BITS) if body.startswith(_GZIP) else body
    if status != 201:
        raise WrongAnswerError(f"{operation.label}: HTTP {status} {content[:300]!r}")
    answer = orjson.loads(content)
    if operation is Operation.CREATE:
        if answer["state_type"] != "PENDING":
            raise WrongAnswerError(f"{operation.label}: created in state {answer['state_type']}")
        run_id: str = answer["id"]
        return run_id.encode()
    if answer["status"] != "ACCEPT" or answer["state"]["type"] != operation.name:
        raise WrongAnswerError(f"{operation.label}: {content[:300]!r}")
    return b""


def _create_body(flow_id: str) -> bytes:
    return orjson.dumps(
        {
            "state": {
                "type": "PENDING",
                "name": "Pending",
                "message": None,
                "state_details": {"traceparent": None},
                "data": None,
            },
            "name": None,
            "flow_id": flow_id,
            "flow_version": "8c54b61f1399881a0aca083f9ae9f519",
            "parameters": {"source": "orders", "batch": 250},
            "context": {},
            "parent_task_run_id": None,
            "empirical_policy": {"retries": 0, "retry_delay": 0},
            "tags": [],
        }
    )


def _set_state_body(state_type: str, *, untrackable_result: bool) -> bytes:
    state_details = {
        "flow_run_id": _ANY_ID,
        "task_run_id": None,
        "child_flow_run_id": None,
        "scheduled_time": None,
        "cache_key": None,
        "cache_expiration": None,
        "deferred": None,
        "untrackable_result": untrackable_result,
        "pause_timeout": None,
        "pause_reschedule": False,
        "pause_key": None,
        "run_input_keyset": None,
        "refresh_cache": None,
        "retriable": None,
        "transition_id": _ANY_ID,
        "task_parameters_id": None,
        "traceparent": None,
        "deployment_concurrency_lease_id": None,
    }
    state = {
        "type": state_type,
        "name": state_type.capitalize(),
        "message": None,
        "state_details": state_details,
        "data": None,
    }
    return orjson.dumps({"state": state, "force": False})
