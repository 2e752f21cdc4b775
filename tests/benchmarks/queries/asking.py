"""Asks servers, times their answers, and compares what they say."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from math import isclose
from statistics import median
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from tests.benchmarks.figures import InvalidRunError
from tests.benchmarks.queries.cases import Case

_TIMEOUT_SECONDS: Final = 120.0
_REPEATS: Final = 40
#: A slow query is asked less often, but as often as it takes for a median.
_SECONDS: Final = 8.0
_FEWEST: Final = 7
#: What is counted from the clock, and so a little more when it is asked a little later.
_FROM_THE_CLOCK: Final = frozenset(
    {"estimated_run_time", "estimated_start_time_delta", "sum_estimated_run_time", "sum_estimated_lateness"}
)
_LATER_SECONDS: Final = 5.0


class Asker:
    """One keep-alive connection to a server; answers are compressed, as for Prefect's own client."""

    def __init__(self, api_url: str) -> None:
        parts = urlsplit(api_url)
        self._prefix = parts.path
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)

    def answer(self, case: Case) -> Any:
        """What a server says; raises InvalidRunError when that is an error."""
        self._connection.close()
        return orjson.loads(self._ask(case)[1])

    def seconds(self, case: Case) -> float:
        """The median of the times in which it answers, once it is warm."""
        # While the other server was asked, this one may have ended an idle connection.
        self._connection.close()
        for _ in range(2):
            self._ask(case)
        times: list[float] = []
        while len(times) < _FEWEST or (len(times) < _REPEATS and sum(times) < _SECONDS):
            times.append(self._ask(case)[0])
        return median(times)

    def _ask(self, case: Case) -> tuple[float, bytes]:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        started = perf_counter()
        self._connection.request("POST", self._prefix + case.url, orjson.dumps(case.body), headers)
        response = self._connection.getresponse()
        body = response.read()
        took = perf_counter() - started
        if response.status != 200:
            raise InvalidRunError(f"{case.name}: {response.status} {body[:500]!r}")
        return took, gzip.decompress(body) if response.headers.get("Content-Encoding") == "gzip" else body


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
