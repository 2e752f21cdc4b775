"""The requests of the measured loops, encoded once as the SDK sends them, and what a right answer to each is."""

import zlib
from enum import IntEnum, StrEnum
from typing import Final

import orjson

#: A JSON document cannot begin like this, so the header that says it need not be looked at.
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW_BITS: Final = 31

_FLOW_NAME: Final = "ingest"
#: Stands for an id in a body while that is measured.
_ANY_ID: Final = "00000000-0000-0000-0000-000000000000"


#: Slots of each of the two limits: nobody waits for one, as the rule is what is measured.
TAG_LIMIT: Final = 1000


class Operation(IntEnum):
    """One request about a run. All but the reading are transitions."""

    CREATE = 0
    RUNNING = 1
    COMPLETED = 2
    READ = 3

    @property
    def label(self) -> str:
        """How reports call it."""
        return ("create (PENDING)", "set_state RUNNING", "set_state COMPLETED", "read")[self]


TRANSITIONS: Final = (Operation.CREATE, Operation.RUNNING, Operation.COMPLETED)


class Case(StrEnum):
    """What a client does with a run, over and over."""

    FLOW_RUNS = "flow-runs"
    #: Each run is read by its id at once when it is COMPLETED.
    READ_BACK = "read-back"
    #: Task runs with two tags, each of which has a limit.
    TASK_RUNS = "task-runs"

    @property
    def operations(self) -> tuple[Operation, ...]:
        """In this order."""
        return (*TRANSITIONS, Operation.READ) if self is Case.READ_BACK else TRANSITIONS

    @property
    def kind(self) -> str:
        """What its runs are called in paths."""
        return "task_runs" if self is Case.TASK_RUNS else "flow_runs"


class WrongAnswerError(Exception):
    """The server answered something else than that it made the transition."""


class Requests:
    """Complete HTTP requests against one server; only ids differ from one to the next.

    `parent_id` is what the runs belong to: a flow, or for task runs a flow run.
    """

    def __init__(self, host: str, parent_id: str, case: Case = Case.FLOW_RUNS) -> None:
        self._host = host
        self._parent_id = parent_id
        self._kind = case.kind
        is_task = case is Case.TASK_RUNS
        body = _create_task_body(parent_id) if is_task else _create_body(parent_id)
        self._create = self._encode("POST", f"/api/{self._kind}/", body).replace(_ANY_ID.encode(), b"%s")
        self._read = self._encode("GET", f"/api/{self._kind}/%s", b"")
        self._set_state = {
            Operation.RUNNING: self._template("RUNNING", untrackable_result=False, attributed=False),
            Operation.COMPLETED: self._template("COMPLETED", untrackable_result=True, attributed=True),
        }

    def create(self, key: bytes) -> bytes:
        """Return the request that creates a run; the key tells task runs of one task from each other."""
        return self._create % key if b"%s" in self._create else self._create

    def read(self, run_id: bytes) -> bytes:
        """Return the request that reads a run."""
        return self._read % run_id

    def set_state(self, operation: Operation, run_id: bytes, transition_id: bytes) -> bytes:
        """Return the request that proposes the operation's state for a run."""
        return self._set_state[operation] % (run_id, run_id, transition_id)

    def _template(self, state_type: str, *, untrackable_result: bool, attributed: bool) -> bytes:
        # All ids have the same length, so the Content-Length holds for every request made from the template.
        body = _set_state_body(state_type, untrackable_result=untrackable_result)
        sample = self._encode("POST", f"/api/{self._kind}/%s/set_state", body, attributed=attributed)
        head, _, rest = sample.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n" + rest.replace(_ANY_ID.encode(), b"%s")

    def _encode(self, method: str, path: str, body: bytes, *, attributed: bool = False) -> bytes:
        headers = [
            f"{method} {path} HTTP/1.1",
            f"Host: {self._host}",
            "Accept: */*",
            "Accept-Encoding: gzip, deflate",
            "Connection: keep-alive",
            "User-Agent: prefect/3.8.8 (API 0.8.4)",
            "X-PREFECT-API-VERSION: 0.8.4",
            *([f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else []),
        ]
        if attributed:
            # The SDK adds them from the moment that the flow's own code runs.
            headers += [f"X-Prefect-Flow-Id: {self._parent_id}", f"X-Prefect-Flow-Name: {_FLOW_NAME}"]
        return "\r\n".join(headers).encode() + b"\r\n\r\n" + body


def check(operation: Operation, status: int, body: bytes) -> bytes:
    """Return the id of the run that was created, empty for any other answer; raises WrongAnswerError."""
    content = zlib.decompress(body, _GZIP_WINDOW_BITS) if body.startswith(_GZIP) else body
    if status != (200 if operation is Operation.READ else 201):
        raise WrongAnswerError(f"{operation.label}: HTTP {status} {content[:300]!r}")
    answer = orjson.loads(content)
    if operation is Operation.CREATE:
        if answer["state_type"] != "PENDING":
            raise WrongAnswerError(f"{operation.label}: created in state {answer['state_type']}")
        run_id: str = answer["id"]
        return run_id.encode()
    if operation is Operation.READ:
        if answer["state_type"] != "COMPLETED":
            raise WrongAnswerError(f"{operation.label}: shown in state {answer['state_type']}")
        return b""
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


def _create_task_body(flow_run_id: str) -> bytes:
    return orjson.dumps(
        {
            "state": {"type": "PENDING", "name": "Pending", "message": None, "state_details": {}, "data": None},
            "name": "transform",
            "flow_run_id": flow_run_id,
            "task_key": "transform-0c0bcb2e",
            "dynamic_key": _ANY_ID,
            "empirical_policy": {"retries": 0, "retry_delay": 0},
            "tags": list(tags_of(flow_run_id)),
            "task_inputs": {},
        }
    )


def tags_of(flow_run_id: str) -> tuple[str, str]:
    """The tags of the task runs in a flow run, each of which has a limit."""
    return f"database-{flow_run_id}", f"network-{flow_run_id}"


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
