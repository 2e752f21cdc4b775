"""Events that were reported are found and counted alike, by generated filters."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from tests.acceptance.conftest import Pair
from tests.acceptance.queries.shift import shifted
from tests.acceptance.server import Server

pytestmark = pytest.mark.acceptance

_QUERIES: Final = int(os.environ.get("ANTIPHON_QUERIES", "150"))
_EVENTS: Final = 120
_DEADLINE_SECONDS: Final = 30
#: When the last event occurs, as far as requests and answers say. No event is at the very end of a bucket: counting
#: such ones the genuine server fails.
_LAST: Final = datetime(2001, 1, 3, 15, 47, 13, tzinfo=UTC)
#: How much later it occurs on the servers. Events are counted by up to two weeks from 1970 on: every length that is
#: asked for divides this step, so that the same events come together on each day.
_STEP: Final = timedelta(days=98)
_DISTANCE: Final = (datetime.now(UTC) - timedelta(minutes=1) - _LAST) // _STEP * _STEP
#: The session's servers have other events too.
_OURS: Final = "asked."
_NAMES: Final = ("asked.for.this", "asked.for.that", "asked.other")
_IDS: Final = ("asked.run.1", "asked.run.2", "asked.flow.1", "asked.flow*x", "asked.Flow.2")
_COLOURS: Final = ("red", "green", "blue%", "b_ue", "")
_ROLES: Final = ("flow", "tag")

Json = dict[str, Any]
Filter = dict[str, Any]


def _labels(random: Random, *, role: bool) -> Json:
    labels = {"prefect.resource.id": random.choice(_IDS)}
    if random.random() < 0.7:
        labels["colour"] = random.choice(_COLOURS)
    if random.random() < 0.5:
        labels["prefect.resource.name"] = random.choice(("One", "Two", "Äpfel"))
    if role:
        labels["prefect.resource.role"] = random.choice(_ROLES)
    return labels


def _events() -> list[Json]:
    random = Random(7)  # noqa: S311  the same in every run
    return [
        {
            "id": str(UUID(int=random.getrandbits(128), version=4)),
            "occurred": (_LAST - timedelta(minutes=29 * number)).isoformat(),
            "event": random.choice(_NAMES),
            "resource": _labels(random, role=False),
            "related": [_labels(random, role=True) for _ in range(random.randrange(3))],
            "payload": random.choice(({}, {"size": 2**70}, {"text": "a Word"}, {"deep": [{"word": 1.5}]})),
            "follows": random.choice((None, "00000000-0000-4000-8000-000000000001")),
        }
        for number in range(_EVENTS)
    ]


def _some(random: Random, values: tuple[Any, ...]) -> list[Any]:
    return random.sample(values, random.randrange(1, min(3, len(values)) + 1))


def _pattern(random: Random) -> Json:
    patterns = ("red", "!red", "*e*", "b?ue", "blue%", "!*e*", "", "b_*")
    labels: Json = {"colour": random.choice((random.choice(patterns), _some(random, patterns), []))}
    if random.random() < 0.3:
        labels["prefect.resource.id"] = random.choice(("asked.run.*", ["asked.flow.?", "!asked.*"], []))
    return labels


def _resource(random: Random) -> Filter:
    choice: Filter = {
        "id": _some(random, (*_IDS, "unknown")),
        "id_prefix": _some(random, ("asked.run", "asked.flow", "Asked")),
        "labels": _pattern(random),
    }
    return {name: choice[name] for name in _some(random, tuple(choice))}


def _related(random: Random) -> Filter:
    choice: Filter = {
        "id": _some(random, (*_IDS, "unknown")),
        "role": _some(random, _ROLES),
        "resources_in_roles": [[random.choice(_IDS), random.choice(_ROLES)] for _ in range(2)],
        "labels": _pattern(random) | random.choice(({}, {"prefect.resource.role": "tag"})),
    }
    return {name: choice[name] for name in _some(random, tuple(choice))}


def _filter(random: Random, events: list[Json]) -> Filter:
    times = sorted(random.choice(events)["occurred"] for _ in range(2))
    name: Filter = {
        "exclude_prefix": _some(random, ("asked.for", "asked.o")),
        "name": _some(random, (*_NAMES, "unknown")),
        "exclude_name": _some(random, _NAMES),
    }
    choice: Filter = {
        "resource": _resource(random) | {"distinct": random.random() < 0.3},
        "related": random.choice((_related(random), [_related(random), _related(random)])),
        "any_resource": random.choice((_resource(random), [_resource(random), _resource(random)])),
        "id": {"id": random.choice(([], [event["id"] for event in _some(random, tuple(events))]))},
        "text": {"query": random.choice(("word", "-word", "+word red", '"a word"', "ÄPFEL", " ", "blue% !flow"))},
    }
    asked: Filter = {key: choice[key] for key in _some(random, tuple(choice)) if random.random() < 0.2}
    asked["event"] = {"prefix": [_OURS]} | {key: name[key] for key in _some(random, tuple(name))[:1]}
    asked["occurred"] = {"since": times[0], "until": times[1]} if random.random() < 0.4 else {"until": _until(events)}
    return asked | {"order": random.choice(("ASC", "DESC"))}


def _until(events: list[Json]) -> str:
    return str(events[0]["occurred"])


class Asked:
    """A server with the events on it, which it finds."""

    def __init__(self, server: Server) -> None:
        # A connection each: the genuine server closes one that waited for some seconds.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._api = httpx.Client(base_url=server.api_url, timeout=60, limits=limits)
        # Reported twice, as by a client that heard no answer: there is one of each.
        for _ in range(2):
            assert self._api.post("/events", json=shifted(_events(), _DISTANCE)).status_code == 204
        deadline = time.monotonic() + _DEADLINE_SECONDS
        body = {"filter": {"event": {"prefix": [_OURS]}}}
        while (found := self.answer("/events/filter", body))[1].get("total") != _EVENTS:
            assert time.monotonic() < deadline, f"{server.name} does not find the events, but {str(found)[:500]}"
            time.sleep(0.2)

    def answer(self, path: str, body: Json) -> list[Any]:
        """Status and body."""
        response = self._api.post(path, json=shifted(body, _DISTANCE))
        return [response.status_code, shifted(response.json(), -_DISTANCE)]

    def pages(self, body: Json) -> list[Any]:
        """All pages of an answer, without what is this server's own."""
        response = self._api.post("/events/filter", json=shifted(body, _DISTANCE))
        found = []
        while True:
            answer = response.json()
            for event in answer["events"]:
                del event["received"]
            following = answer.pop("next_page")
            found.append([response.status_code, shifted(answer, -_DISTANCE)])
            if following is None or len(found) > _EVENTS:
                return found
            assert urlsplit(following).path == "/api/events/filter/next"
            response = self._api.get(following)

    def counts(self, path: str, body: Json) -> list[Any]:
        """Status and counts."""
        status, answer = self.answer(path, body)
        if path.endswith(("event", "resource")):
            assert [item["count"] for item in answer] == sorted((item["count"] for item in answer), reverse=True)
            # Which of two labels that are alike comes first is left open.
            answer.sort(key=lambda item: item["value"])
        return [status, answer]


def _searches() -> list[Json]:
    random, events = Random(11), _events()  # noqa: S311  the same in every run
    return [{"filter": _filter(random, events), "limit": random.choice((50, 50, 7))} for _ in range(_QUERIES)]


def _counts() -> list[tuple[str, Json]]:
    random, events, found = Random(13), _events(), []  # noqa: S311  the same in every run
    for _ in range(_QUERIES // 3):
        times = sorted(random.choice(events)["occurred"] for _ in range(2))
        wanted = _filter(random, events) | {"occurred": {"since": times[0], "until": times[1]}}
        body = {"filter": wanted, "time_unit": random.choice(("week", "day", "hour")), "time_interval": 1.0}
        if random.random() < 0.3:
            body |= {"time_interval": random.choice((0.5, 2, 1.75))}
        by = random.choice(("time", "event", "resource"))
        found.append((f"/events/count-by/{by}", body))
        if by == "time":
            found.append(("/events/count-by/day", {"filter": wanted}))
    return found


def test_generated_filters_find_the_same_events(pair: Pair) -> None:
    bodies = _searches()

    def ask(server: Server) -> list[Any]:
        asked = Asked(server)
        return [asked.pages(body) for body in bodies]

    theirs, ours = pair.answers("event_queries/found", [_events(), bodies], ask)
    for body, their, our in zip(bodies, theirs, ours, strict=True):
        assert [len(page[1]["events"]) for page in our] == [len(page[1]["events"]) for page in their]
        assert our == their, json.dumps(body)
    assert sum(pages[0][1]["total"] == 0 for pages in theirs) < _QUERIES / 2


def test_generated_filters_count_the_same_events(pair: Pair) -> None:
    requests = _counts()

    def ask(server: Server) -> list[Any]:
        asked = Asked(server)
        return [asked.counts(path, body) for path, body in requests]

    theirs, ours = pair.answers("event_queries/counted", [_events(), requests], ask)
    for request, their, our in zip(requests, theirs, ours, strict=True):
        assert our == their, json.dumps(request)


_SENSELESS: Final[list[tuple[str, Json]]] = [
    ("/events/filter", {"limit": 51}),
    ("/events/filter", {"limit": -1}),
    ("/events/filter", {"filter": {"colour": "red"}}),
    ("/events/filter", {"filter": {"text": {"query": "x" * 201}}}),
    ("/events/count-by/colour", {"filter": {}}),
    ("/events/count-by/time", {}),
    ("/events/count-by/time", {"filter": {}, "time_interval": 0.001}),
    ("/events/count-by/time", {"filter": {}, "time_unit": "second"}),
]


def test_what_makes_no_sense_is_refused_alike(pair: Pair) -> None:
    def ask(server: Server) -> list[Any]:
        answers = [httpx.post(server.api_url + path, json=body, timeout=60) for path, body in _SENSELESS]
        return [[answer.status_code, answer.json()] for answer in answers]

    for (path, body), their, our in zip(
        _SENSELESS, *pair.answers("event_queries/senseless", _SENSELESS, ask), strict=True
    ):
        assert their[0] == our[0] == 422
        if path.endswith("time") and "time_unit" in body:
            assert our[1]["detail"].split(" buckets")[1] == their[1]["detail"].split(" buckets")[1]


def test_a_token_that_is_none_is_forbidden_alike(pair: Pair) -> None:
    tokens = ["nonsense", "e30=", ""]

    def ask(server: Server) -> list[int]:
        path = f"{server.api_url}/events/filter/next"
        return [httpx.get(path, params={"page-token": token}, timeout=60).status_code for token in tokens]

    theirs, ours = pair.answers("event_queries/tokens", tokens, ask)
    assert ours == [403, 403, 403]
    assert set(theirs) <= {403, 500}
