"""Log lines: stored in batches, found by run, level and time."""

from typing import Any

from tests.acceptance.cases.case import UNKNOWN, Case, post

_RUN = "00000000-0000-4000-8000-0000000010a5"
_TASK = "00000000-0000-4000-8000-0000000010a6"


def _line(message: str, second: int, level: int = 20, **fields: Any) -> dict[str, Any]:
    time = f"2099-01-01T00:00:{second:02}Z"
    return {"name": "a.logger", "level": level, "message": message, "timestamp": time, "flow_run_id": _RUN, **fields}


def _found(name: str, logs: Any, **body: Any) -> Case:
    ours = {"flow_run_id": {"any_": [_RUN]}, **logs}
    return post(f"filter: {name}", "/logs/filter", {"logs": ours, **body})


def _refused(name: str, **fields: Any) -> Case:
    return post(name, "/logs/", [_line("fine", 50), _line("refused", 51) | fields])


CASES: list[Case] = [
    post("stored", "/logs/", [_line("one ünï ✓", 1, 10), _line("three", 3, 30), _line("two\nlines", 2)]),
    post("of a task", "/logs/", [_line("four", 4, 40, task_run_id=_TASK)]),
    post("of nothing", "/logs/", [{"name": "n", "level": 0, "message": "m", "timestamp": "2099-01-01T00:00:00Z"}]),
    post("nothing", "/logs/", []),
    post("time without zone", "/logs/", [_line("five", 5) | {"timestamp": "2099-01-01T00:00:05"}]),
    post("time in another zone", "/logs/", [_line("six", 6) | {"timestamp": "2099-01-01T02:00:06.123456+02:00"}]),
    _refused("unknown key", nope=1),
    _refused("level a word", level="high"),
    _refused("message null", message=None),
    _refused("no time", timestamp="yesterday"),
    _refused("id no uuid", flow_run_id="x"),
    post("no list", "/logs/", _line("x", 1)),
    post("missing fields", "/logs/", [{"name": "n"}]),
    post("no body", "/logs/"),
    _found("all", {}),
    _found("descending", {}, sort="TIMESTAMP_DESC"),
    _found("at least 30", {"level": {"ge_": 30}}),
    _found("at most 20", {"level": {"le_": 20}}),
    _found("between", {"level": {"ge_": 20, "le_": 30}}),
    _found("before", {"timestamp": {"before_": "2099-01-01T00:00:02Z"}}),
    _found("after", {"timestamp": {"after_": "2099-01-01T00:00:03Z"}}),
    _found("of the task", {"task_run_id": {"any_": [_TASK]}}),
    _found("of no task", {"task_run_id": {"is_null_": True}}),
    _found("of some task", {"task_run_id": {"is_null_": False}}),
    _found("text", {"text": {"query": "three"}}),
    _found("text without", {"text": {"query": "-three"}}),
    _found("page", {}, limit=2, offset=1),
    _found("limit 0", {}, limit=0),
    _found("limit 201", {}, limit=201),
    _found("limit -1", {}, limit=-1),
    _found("offset -1", {}, offset=-1),
    _found("unknown sort", {}, sort="LEVEL_ASC"),
    _found("unknown key", {"name": {"any_": ["x"]}}),
    _found("unknown top key", {}, nope=1),
    post("filter: unknown run", "/logs/filter", {"logs": {"flow_run_id": {"any_": [UNKNOWN]}}}),
    post("filter: no ids", "/logs/filter", {"logs": {"flow_run_id": {"any_": []}}}),
]
