"""The sockets on which events and log lines are read: what they say to whom they turn away."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.acceptance.conftest import Pair
from tests.acceptance.sockets import AUTHENTICATE, transcript

pytestmark = pytest.mark.acceptance

_NOTHING = {"occurred": {"since": "2001-01-01T00:00:00Z", "until": "2001-01-02T00:00:00Z"}}


def _asking(wanted: Any, **more: Any) -> str:
    return json.dumps({"type": "filter", "filter": wanted, **more})


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


def _alike(pair: Pair, frames: list[str | bytes], options: dict[str, Any]) -> None:
    with ThreadPoolExecutor(1) as threads:
        subject = threads.submit(transcript, pair.subject, frames, **options)
        assert transcript(pair.oracle, frames, **options) == subject.result()


@pytest.mark.parametrize("talk", EVENTS)
def test_the_socket_of_events_answers_alike(talk: str, pair: Pair) -> None:
    frames, options = EVENTS[talk]
    _alike(pair, frames, {"path": "/events/out", **options})


@pytest.mark.parametrize("talk", LOGS)
def test_the_socket_of_log_lines_answers_alike(talk: str, pair: Pair) -> None:
    frames, options = LOGS[talk]
    _alike(pair, frames, {"path": "/logs/out", **options})
