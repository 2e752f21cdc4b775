"""Answers of two servers, made comparable: ids become names, times that are the servers' own become one word."""

from __future__ import annotations

import re
from datetime import timedelta
from math import isclose
from typing import Any, Final

from tests.acceptance.queries.data import Ids
from tests.acceptance.queries.generate import REFERENCE, Query
from tests.acceptance.queries.shift import shifted

_OWN_TIME: Final = re.compile(r"(?!2000|2001|205|2099|21)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
#: These are counted from a server's own clock; a server may be this much slower than the other in making the data.
_DURATIONS: Final = frozenset(
    {"total_run_time", "estimated_run_time", "estimated_start_time_delta", "sum_estimated_run_time"}
    | {"sum_estimated_lateness", "duration", "lateness"}
)
_SLOWER_SECONDS: Final = 600
_SORTED_BY: Final = {"START_TIME": "start_time", "END_TIME": "end_time", "ID": "id", "TIMESTAMP": "timestamp"}


class Translation:
    """Between the ids of one server and the names that both know."""

    def __init__(self, ids: Ids, distance: timedelta) -> None:
        """Of a server on which all times are so much later than in the requests."""
        self._distance = distance
        kinds = {"flow": ids.flow, "run": ids.run, "pool": ids.pool, "queue": ids.queue, "deployment": ids.deployment}
        self._ids = {f"{REFERENCE}{kind}:{name}": id_ for kind, known in kinds.items() for name, id_ in known.items()}
        self._names = {id_: f"<{name}>" for known in (*kinds.values(), ids.task) for name, id_ in known.items()}

    def to_server(self, value: Any) -> Any:
        """A request with the ids and times of this server."""
        return self._with_ids(shifted(value, self._distance))

    def from_server(self, value: Any) -> Any:
        """An answer without what is this server's own."""
        return self._named(shifted(value, -self._distance))

    def _with_ids(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._with_ids(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._with_ids(item) for item in value]
        return self._ids.get(value, value) if isinstance(value, str) else value

    def _named(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self._named(item, name) for name, item in value.items()}
        if isinstance(value, list):
            items = [self._named(item) for item in value]
            # The order of states in an interval means nothing.
            return sorted(items, key=lambda item: str(item["state_name"])) if key == "states" else items
        if not isinstance(value, str):
            return value
        if value in self._names:
            return self._names[value]
        text = _UUID.sub(lambda match: self._names.get(match[0], "<uuid>"), value)
        return _OWN_TIME.sub("<time>", text)


def difference(query: Query, theirs: Any, ours: Any) -> str:
    """How two translated answers differ; empty if they do not."""
    if isinstance(theirs, dict) and "results" in theirs and isinstance(ours, dict):
        counted = {key: value for key, value in theirs.items() if key != "results"}
        found = _unlike(counted, {key: value for key, value in ours.items() if key != "results"}, "")
        return found or _lists(query, theirs["results"], ours.get("results"))
    if isinstance(theirs, list) and query.path.endswith("filter"):
        return _lists(query, theirs, ours)
    return _unlike(theirs, ours, "")


def _lists(query: Query, theirs: list[Any], ours: Any) -> str:
    if not isinstance(ours, list) or len(theirs) != len(ours):
        return f"{len(theirs)} items, but {len(ours) if isinstance(ours, list) else ours}"
    first, second = ([_placed(query, item) for item in items] for items in (theirs, ours))
    if first != second:
        return f"order: {first[:12]}\n   but {second[:12]}"
    left, right = ({_identity(item): item for item in items} for items in (theirs, ours))
    if left.keys() != right.keys():
        # Which of many that are equal in the order come first is nobody's promise.
        is_cut = len(theirs) >= (query.body.get("limit") or 200) or query.body.get("offset") or query.body.get("page")
        return "" if is_cut else f"items: {sorted(left.keys() ^ right.keys())[:12]}"
    return next((found for name, item in left.items() if (found := _unlike(item, right[name], name))), "")


def _identity(item: dict[str, Any]) -> str:
    return str(item["message"] if "message" in item and "level" in item else item["id"])


def _placed(query: Query, item: dict[str, Any]) -> str:
    """What must stand in this place: an item, or one of those that have nothing to be ordered by."""
    is_log, is_task = query.path.startswith("/logs"), query.path.startswith("/task_runs")
    sort = (
        query.body.get("sort") or {"l": "TIMESTAMP_ASC", "f": "ID_DESC", "t": "ID_DESC", "d": "NAME_ASC"}[query.path[1]]
    )
    if query.path.startswith("/flows/") and "sort" not in query.body:
        sort = "NAME_ASC"
    name = sort.rpartition("_")[0]
    if name == "ID" and not is_task:
        # Each server has its own ids.
        return ""
    column = _SORTED_BY.get(name, name.lower())
    if name == "START_TIME":
        return _identity(item)
    if column not in item:
        # A page of task runs does not show what it is ordered by.
        return ""
    return "" if item[column] is None and not is_log else _identity(item)


def _unlike(theirs: Any, ours: Any, where: str, runs: int = 1) -> str:
    if isinstance(theirs, dict) and isinstance(ours, dict) and theirs.keys() == ours.keys():
        runs = theirs.get("count_runs", 1)
        return next((found for key in theirs if (found := _unlike(theirs[key], ours[key], key, runs))), "")
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        pairs = zip(theirs, ours, strict=True)
        return next((found for one, other in pairs if (found := _unlike(one, other, where))), "")
    if where in _DURATIONS and isinstance(theirs, float) and isinstance(ours, float):
        return "" if isclose(theirs, ours, abs_tol=_SLOWER_SECONDS * runs) else f"{where}: {theirs} but {ours}"
    if isinstance(theirs, float) and isinstance(ours, float) and not where:
        # An average of lateness.
        return "" if isclose(theirs, ours, abs_tol=_SLOWER_SECONDS) else f"{theirs} but {ours}"
    is_same = theirs == ours and type(theirs) is type(ours)
    return "" if is_same else f"{where}: {str(theirs)[:600]}\n   but {str(ours)[:600]}"
