"""Generated queries get the same answers from Antiphon as from the genuine server, on the same data."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.acceptance.conftest import Pair, running_pair
from tests.acceptance.queries import data
from tests.acceptance.queries.compare import Translation, difference
from tests.acceptance.queries.generate import Query, queries
from tests.acceptance.server import Server
from tests.servers import PostgresServer

pytestmark = pytest.mark.acceptance

#: `make differential-queries` asks thousands, about the whole data set.
_COUNT = int(os.environ.get("ANTIPHON_QUERIES", "400"))
_SHARE = float(os.environ.get("ANTIPHON_QUERIES_SHARE", "0.2"))
_SEED = int(os.environ.get("ANTIPHON_QUERIES_SEED", "1"))
_REPORTED = 20
_NAME = "queries"


@pytest.fixture(scope="module")
def pair_of_its_own(postgres_server: PostgresServer) -> Iterator[Pair]:
    """Both servers with nothing but the data set on them: the queries are about all records."""
    with running_pair(postgres_server) as pair:
        yield pair


def _answers(server: Server, asked: list[Query], distance: timedelta) -> list[Any]:
    """Put the data set on a server, and ask: status and body of each answer, without what is this server's own."""
    with httpx.Client(base_url=server.api_url, timeout=120) as api:
        translation = Translation(data.create(api, _SHARE, distance), distance)
        responses = [api.post(query.path, json=translation.to_server(query.body)) for query in asked]
    return [[response.status_code, translation.from_server(response.json())] for response in responses]


def _judged(query: Query, theirs: list[Any], ours: list[Any]) -> str:
    if theirs[0] >= 500:
        return "" if 400 <= ours[0] < 500 else f"genuine: {theirs[0]}, given: {ours[0]}"
    if theirs[0] != ours[0]:
        return f"status: {theirs[0]} {str(theirs[1])[:300]}\n   but {ours[0]} {str(ours[1])[:300]}"
    return difference(query, theirs[1], ours[1])


def test_queries_are_answered_alike(pair_of_its_own: Pair) -> None:
    asked = queries(_COUNT, _SEED)
    requests = [asked, list(data.flow_runs(_SHARE)), list(data.task_runs(_SHARE)), data.create]
    # What is counted from the clock, such as lateness, is then what it was when it was recorded.
    distance = pair_of_its_own.genuine.age(_NAME)
    answers = pair_of_its_own.answers(_NAME, requests, lambda server: _answers(server, asked, distance))
    found = []
    for number, (query, theirs, ours) in enumerate(zip(asked, *answers, strict=True)):
        differs = _judged(query, theirs, ours)
        if differs:
            found.append(f"--- {number}: {query.path} {json.dumps(query.body, ensure_ascii=False)}\n{differs}")
    # A comparison of nothing with nothing proves little.
    assert sum(theirs[1] in ([], 0, None) for theirs in answers[0]) < _COUNT / 2
    if found:
        head = f"{len(found)} of {_COUNT} queries, {distance} after the recording:\n"
        pytest.fail(head + "\n".join(found[:_REPORTED]), pytrace=False)
