"""Asks servers, times their answers, and compares what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isclose
from statistics import median
from time import perf_counter
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import orjson

from tests.benchmarks.figures import InvalidRunError
from tests.benchmarks.queries.cases import Case
from tests.benchmarks.queries.connection import Answer, Connection


class _Often(NamedTuple):
    """How often a query is asked: a slow one less often, but as often as it takes for a median."""

    fewest: int
    most: int
    seconds: float


#: In each round.
_WARM_UP: Final = _Often(fewest=2, most=30, seconds=1.0)
_MEASURED: Final = _Often(fewest=3, most=40, seconds=3.0)
#: A machine that others use as well is slower for some seconds now and then.
_ROUNDS: Final = 5
#: What is counted from the clock, and so a little more when it is asked a little later.
_FROM_THE_CLOCK: Final = frozenset(
    {"estimated_run_time", "estimated_start_time_delta", "sum_estimated_run_time", "sum_estimated_lateness"}
)
_LATER_SECONDS: Final = 5.0


class Asker:
    """Asks one server; answers are compressed, as for Prefect's own client."""

    def __init__(self, api_url: str) -> None:
        parts = urlsplit(api_url)
        self._host, self._port, self._prefix = parts.hostname or "", parts.port or 80, parts.path

    def answer(self, case: Case) -> Any:
        """What the server says; raises InvalidRunError when that is an error."""
        with self._connected() as connection:
            return orjson.loads(_right_answer(connection, case, self._request(case)).content)

    def times(self, case: Case) -> list[float]:
        """Seconds in which it answers, once it is warm; raises InvalidRunError."""
        request = self._request(case)
        with self._connected() as connection:
            _times(connection, case, request, _WARM_UP)
            return _times(connection, case, request, _MEASURED)

    def _connected(self) -> Connection:
        # While another server was asked, this one may have ended an idle connection.
        return Connection(self._host, self._port)

    def _request(self, case: Case) -> bytes:
        body = orjson.dumps(case.body)
        head = f"POST {self._prefix}{case.url} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nAccept-Encoding: gzip\r\n"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def medians(case: Case, *askers: Asker) -> list[float]:
    """The seconds in which servers answer, which are asked in turns; raises InvalidRunError."""
    times: list[list[float]] = [[] for _ in askers]
    for _ in range(_ROUNDS):
        for asker, found in zip(askers, times, strict=True):
            found.extend(asker.times(case))
    return [median(found) for found in times]


def _right_answer(connection: Connection, case: Case, request: bytes) -> Answer:
    status, answer = connection.ask(request)
    if status != 200:
        raise InvalidRunError(f"{case.name}: {status} {answer.content[:500]!r}")
    return answer


def _times(connection: Connection, case: Case, request: bytes, often: _Often) -> list[float]:
    times: list[float] = []
    while len(times) < often.fewest or (len(times) < often.most and sum(times) < often.seconds):
        started = perf_counter()
        _right_answer(connection, case, request)
        times.append(perf_counter() - started)
    return times


def require_equal_answers(cases: Sequence[Case], prefect: Asker, antiphon: Asker) -> Mapping[str, int]:
    """Raises InvalidRunError where two servers differ; returns how many rows or intervals each answer has."""
    sizes = {}
    for case in cases:
        theirs, ours = prefect.answer(case), antiphon.answer(case)
        found = _unlike(theirs, ours, case.name, runs=theirs if isinstance(theirs, int) else 1)
        if found:
            raise InvalidRunError(f"{case.name}: the answers differ: {found}")
        rows = theirs["results"] if isinstance(theirs, dict) else theirs
        sizes[case.name] = len(rows) if isinstance(rows, list) else 1
    return sizes


def _unlike(theirs: Any, ours: Any, where: str, runs: int = 1) -> str:
    if isinstance(theirs, dict) and isinstance(ours, dict) and theirs.keys() == ours.keys():
        many = theirs.get("count_runs", 1)
        return next((found for key in theirs if (found := _unlike(theirs[key], ours[key], key, many))), "")
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        if where == "states":
            theirs, ours = (sorted(states, key=lambda state: str(state["state_name"])) for states in (theirs, ours))
        pairs = zip(theirs, ours, strict=True)
        return next((found for one, other in pairs if (found := _unlike(one, other, where))), "")
    if isinstance(theirs, float) and isinstance(ours, float):
        later = _LATER_SECONDS * runs if where in _FROM_THE_CLOCK or where.startswith("lateness") else 1e-5
        return "" if isclose(theirs, ours, abs_tol=later) else f"{where}: {theirs} but {ours}"
    return "" if theirs == ours else f"{where}: {str(theirs)[:300]} but {str(ours)[:300]}"
