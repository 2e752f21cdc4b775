"""The sockets on which events, log lines and background tasks are read: what they say to whom they turn away."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.acceptance.conftest import Pair
from tests.acceptance.normal import Normalizer, difference
from tests.acceptance.server import Server
from tests.acceptance.sockets import AUTHENTICATE, events_in, transcripts

pytestmark = pytest.mark.acceptance

_NOTHING = {"occurred": {"since": "2001-01-01T00:00:00Z", "until": "2001-01-02T00:00:00Z"}}


def _asking(wanted: Any, **more: Any) -> str:
    return json.dumps({"type": "filter", "filter": wanted, **more})


def _subscribing(**fields: Any) -> str:
    return json.dumps({"type": "subscribe", "keys": ["a", "b"], "client_id": "test", **fields})


EVENTS: dict[str, tuple[list[str | bytes], dict[str, Any]]] = {
    "authenticated": ([AUTHENTICATE], {}),
    "a filter first": ([_asking(_NOTHING)], {}),
    "a filter": ([AUTHENTICATE, _asking(_NOTHING)], {}),
    "a filter, then anything": ([AUTHENTICATE, _asking(_NOTHING), "hello", "{}"], {}),
    "a filter of every part": (
        [
            AUTHENTICATE,
            _asking(
                {
                    **_NOTHING,
                    "event": {"prefix": ["a"], "exclude_prefix": [], "name": None, "exclude_name": ["b"]},
                    "resource": {
                        "id": ["a"],
                        "id_prefix": [],
                        "labels": {"a": "b", "c": ["d", "!e"]},
                        "distinct": True,
                    },
                    "related": [{"id": ["a"], "role": ["b"], "resources_in_roles": [["a", "b"]], "labels": {}}],
                    "any_resource": {"id": ["a"], "labels": {"a": "b"}},
                    "id": {"id": []},
                    "text": {"query": "a -b"},
                    "order": "ASC",
                },
                backfill=False,
            ),
        ],
        {},
    ),
    "an empty filter without backfill": ([AUTHENTICATE, _asking({}, backfill=False)], {}),
    "another type": ([AUTHENTICATE, '{"type": "subscribe"}'], {}),
    "no type": ([AUTHENTICATE, "{}"], {}),
    "no object": ([AUTHENTICATE, "[]"], {}),
    "no JSON": ([AUTHENTICATE, "hello"], {}),
    "bytes": ([AUTHENTICATE, _asking(_NOTHING).encode()], {}),
    "no filter": ([AUTHENTICATE, '{"type": "filter"}'], {}),
    "a filter that is none": ([AUTHENTICATE, _asking(5)], {}),
    "an unknown part": ([AUTHENTICATE, _asking({"nope": {}})], {}),
    "an unknown part of a part": ([AUTHENTICATE, _asking({"event": {"nope": {}}})], {}),
    "an unknown order": ([AUTHENTICATE, _asking({"order": "UP"})], {}),
    "no subprotocol": ([_asking(_NOTHING)], {"subprotocol": None}),
    "another subprotocol": ([_asking(_NOTHING)], {"subprotocol": "other"}),
    "a slash at the end": ([], {"path": "/events/out/"}),
}
LOGS: dict[str, tuple[list[str | bytes], dict[str, Any]]] = {
    "a filter": ([AUTHENTICATE, _asking({"level": {"ge_": 9999}})], {}),
    "an empty filter": ([AUTHENTICATE, _asking({})], {}),
    "another type": ([AUTHENTICATE, '{"type": "subscribe"}'], {}),
    "no type": ([AUTHENTICATE, "{}"], {}),
    "no filter": ([AUTHENTICATE, '{"type": "filter"}'], {}),
    "an unknown part": ([AUTHENTICATE, _asking({"nope": {}})], {}),
    "no subprotocol": ([_asking({"level": {"ge_": 9999}})], {"subprotocol": None}),
    "a slash at the end": ([], {"path": "/logs/out/"}),
}
SCHEDULED: dict[str, tuple[list[str | bytes], dict[str, Any]]] = {
    "a subscription": ([AUTHENTICATE, _subscribing()], {}),
    "a subscription without a handshake": ([_subscribing()], {"subprotocol": None}),
    "words before a task": ([AUTHENTICATE, _subscribing(), '{"type": "ack"}'], {}),
    "a subscription first": ([_subscribing()], {}),
    "another type": ([AUTHENTICATE, '{"type": "filter"}'], {}),
    "no type": ([AUTHENTICATE, "{}"], {}),
    "no keys": ([AUTHENTICATE, _subscribing(keys=[])], {}),
    "null for keys": ([AUTHENTICATE, _subscribing(keys=None)], {}),
    "no client": ([AUTHENTICATE, _subscribing(client_id=None)], {}),
    "nothing at all": ([AUTHENTICATE, '{"type": "subscribe"}'], {}),
    "no JSON": ([AUTHENTICATE, "hello"], {}),
    "a slash at the end": ([], {"path": "/task_runs/subscriptions/scheduled/"}),
}


SOCKETS = {
    "events": ("/events/out", EVENTS),
    "log_lines": ("/logs/out", LOGS),
    "task_workers": ("/task_runs/subscriptions/scheduled", SCHEDULED),
}


@pytest.mark.parametrize("socket", SOCKETS)
def test_a_socket_answers_alike(socket: str, pair: Pair) -> None:
    path, talks = SOCKETS[socket]
    asked = {name: (frames, {"path": path, **options}) for name, (frames, options) in talks.items()}
    theirs, ours = pair.answers(f"sockets/{socket}", asked, lambda server: transcripts(server, asked))
    assert theirs == ours


def _given(server: Server) -> Any:
    """What a worker is given of two tasks, the second one after it has got the first."""
    given = []
    with events_in(server, path="/task_runs/subscriptions/scheduled") as worker:
        worker.send(AUTHENTICATE)
        worker.recv(5)
        worker.send(_subscribing(keys=["given"]))
        for number in range(2):
            details = {"deferred": True, "task_parameters_id": f"00000000-0000-4000-8000-{number:012}"}
            state = {"type": "SCHEDULED", "message": "soon", "state_details": details}
            task = {
                "task_key": "given",
                "dynamic_key": str(uuid4()),
                "name": f"task {number}",
                "tags": ["a"],
                "state": state,
            }
            httpx.post(f"{server.api_url}/task_runs/", json=task).raise_for_status()
            given.append(json.loads(worker.recv(20)))
            worker.send('{"type": "ack"}')
    return Normalizer()(given)


def test_a_worker_is_given_the_same(pair: Pair) -> None:
    found = difference(*pair.answers("sockets/given_tasks", _given, _given))
    if found:
        pytest.fail(found, pytrace=False)
