"""Generated queries get the same answers from Antiphon as from the genuine server, on the same data."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.acceptance.conftest import running_pair
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


@dataclass(frozen=True, slots=True)
class Asked:
    """A server with the data set on it."""

    api: httpx.Client
    translation: Translation

    def answer(self, query: Query) -> tuple[int, Any]:
        """Status and body, without what is this server's own."""
        response = self.api.post(query.path, json=self.translation.to_server(query.body))
        return response.status_code, self.translation.from_server(response.json())


def _client(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.api_url, timeout=120)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Iterator[tuple[Asked, Asked]]:
    """Both servers with nothing but the data set on them: the queries are about all records."""
    with (
        running_pair(tmp_path_factory.mktemp("queried"), postgres_server) as pair,
        ThreadPoolExecutor(2) as threads,
        _client(pair.oracle) as oracle,
        _client(pair.subject) as subject,
    ):
        theirs, ours = threads.map(lambda api: data.create(api, _SHARE), (oracle, subject))
        yield Asked(oracle, Translation(theirs)), Asked(subject, Translation(ours))


def _judged(query: Query, theirs: tuple[int, Any], ours: tuple[int, Any]) -> str:
    if theirs[0] >= 500:
        return "" if 400 <= ours[0] < 500 else f"genuine: {theirs[0]}, given: {ours[0]}"
    if theirs[0] != ours[0]:
        return f"status: {theirs[0]} {str(theirs[1])[:300]}\n   but {ours[0]} {str(ours[1])[:300]}"
    return difference(query, theirs[1], ours[1])


def test_queries_are_answered_alike(asked: tuple[Asked, Asked]) -> None:
    found, empty = [], 0
    with ThreadPoolExecutor(2) as threads:
        for number, query in enumerate(queries(_COUNT, _SEED)):
            theirs, ours = threads.map(lambda server, query=query: server.answer(query), asked)
            differs = _judged(query, theirs, ours)
            empty += theirs[1] in ([], 0, None)
            if differs:
                found.append(f"--- {number}: {query.path} {json.dumps(query.body, ensure_ascii=False)}\n{differs}")
    # A comparison of nothing with nothing proves little.
    assert empty < _COUNT / 2
    if found:
        pytest.fail(f"{len(found)} of {_COUNT} queries:\n" + "\n".join(found[:_REPORTED]), pytrace=False)
