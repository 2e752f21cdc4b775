"""Events that were reported are found and counted alike, by generated filters."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from tests.acceptance.conftest import Pair

pytestmark = pytest.mark.acceptance

_QUERIES: Final = int(os.environ.get("ANTIPHON_QUERIES", "150"))
_EVENTS: Final = 120
_DEADLINE_SECONDS: Final = 30
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


def _events(random: Random, until: datetime) -> list[Json]:
    return [
        {
            "id": str(UUID(int=random.getrandbits(128), version=4)),
            "occurred": (until - timedelta(minutes=29 * number)).isoformat(),
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


@pytest.fixture(scope="module")
def asked(pair: Pair) -> Iterator[tuple[list[httpx.Client], list[Json]]]:
    """Both servers with the same events, which they find."""
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    events = _events(Random(7), now)  # noqa: S311  the same in every run
    with (
        httpx.Client(base_url=pair.oracle.api_url, timeout=60) as oracle,
        httpx.Client(base_url=pair.subject.api_url, timeout=60) as subject,
    ):
        for client in (oracle, subject):
            # Reported twice, as by a client that heard no answer: there is one of each.
            for _ in range(2):
                assert client.post("/events", json=events).status_code == 204
            _until_found(client)
        yield [oracle, subject], events


def _until_found(client: httpx.Client) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    body = {"filter": {"event": {"prefix": [_OURS]}}}
    while (answer := _answer(client, "/events/filter", body))[1].get("total") != _EVENTS:
        assert time.monotonic() < deadline, f"{client.base_url} does not find the events, but {str(answer)[:500]}"
        time.sleep(0.2)


def _answer(client: httpx.Client, path: str, body: Json) -> tuple[int, Any]:
    response = client.post(path, json=body)
    return response.status_code, response.json()


def _pages(client: httpx.Client, body: Json) -> list[Any]:
    """All pages of an answer, without what is this server's own."""
    response = client.post("/events/filter", json=body)
    found = []
    while True:
        answer = response.json()
        for event in answer["events"]:
            del event["received"]
        following = answer.pop("next_page")
        found.append([response.status_code, answer])
        if following is None or len(found) > _EVENTS:
            return found
        address = urlsplit(following)
        assert address.path == "/api/events/filter/next"
        response = client.get(following)


def test_generated_filters_find_the_same_events(asked: tuple[list[httpx.Client], list[Json]]) -> None:
    clients, events = asked
    random, empty = Random(11), 0  # noqa: S311  the same in every run
    with ThreadPoolExecutor(2) as threads:
        for _ in range(_QUERIES):
            body = {"filter": _filter(random, events), "limit": random.choice((50, 50, 7))}
            theirs, ours = threads.map(lambda client, body=body: _pages(client, body), clients)
            assert [len(page[1]["events"]) for page in ours] == [len(page[1]["events"]) for page in theirs]
            for our, their in zip(ours, theirs, strict=True):
                for one, other in zip(our[1]["events"], their[1]["events"], strict=True):
                    assert one == other, json.dumps(body)
            assert ours == theirs, json.dumps(body)
            empty += theirs[0][1]["total"] == 0
    assert empty < _QUERIES / 2


def test_generated_filters_count_the_same_events(asked: tuple[list[httpx.Client], list[Json]]) -> None:
    clients, events = asked
    random = Random(13)  # noqa: S311  the same in every run
    with ThreadPoolExecutor(2) as threads:
        for _ in range(_QUERIES // 3):
            times = sorted(random.choice(events)["occurred"] for _ in range(2))
            wanted = _filter(random, events) | {"occurred": {"since": times[0], "until": times[1]}}
            body = {"filter": wanted, "time_unit": random.choice(("week", "day", "hour")), "time_interval": 1.0}
            if random.random() < 0.3:
                body |= {"time_interval": random.choice((0.5, 2, 1.75))}
            by = random.choice(("time", "event", "resource"))
            path = f"/events/count-by/{by}"
            theirs, ours = threads.map(lambda client, body=body, path=path: _answer(client, path, body), clients)
            for answer in (theirs[1], ours[1]) if by != "time" else ():
                assert [item["count"] for item in answer] == sorted((item["count"] for item in answer), reverse=True)
                # Which of two labels that are alike comes first is left open.
                answer.sort(key=lambda item: item["value"])
            assert ours == theirs, path + json.dumps(body)
            if by == "time":
                day = {"filter": wanted}
                theirs, ours = threads.map(
                    lambda client, body=day: _answer(client, "/events/count-by/day", body), clients
                )
                assert ours == theirs, json.dumps(day)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/events/filter", {"limit": 51}),
        ("/events/filter", {"limit": -1}),
        ("/events/filter", {"filter": {"colour": "red"}}),
        ("/events/filter", {"filter": {"text": {"query": "x" * 201}}}),
        ("/events/count-by/colour", {"filter": {}}),
        ("/events/count-by/time", {}),
        ("/events/count-by/time", {"filter": {}, "time_interval": 0.001}),
        ("/events/count-by/time", {"filter": {}, "time_unit": "second"}),
    ],
)
def test_what_makes_no_sense_is_refused_alike(path: str, body: Json, pair: Pair) -> None:
    answers = [httpx.post(server.api_url + path, json=body, timeout=60) for server in (pair.oracle, pair.subject)]
    assert answers[0].status_code == answers[1].status_code == 422
    if path.endswith("time") and "time_unit" in body:
        theirs, ours = (answer.json()["detail"].split(" buckets")[1] for answer in answers)
        assert ours == theirs


@pytest.mark.parametrize("token", ["nonsense", "e30=", ""])
def test_a_token_that_is_none_is_forbidden_alike(token: str, pair: Pair) -> None:
    answers = [
        httpx.get(f"{server.api_url}/events/filter/next", params={"page-token": token}, timeout=60)
        for server in (pair.oracle, pair.subject)
    ]
    assert answers[1].status_code == 403
    assert answers[0].status_code in (403, 500)
