"""What no client should send."""

import json
from typing import Any

from tests.acceptance.cases.case import Case, get, post

_JSON = {"Content-Type": "application/json"}
_MEGABYTES = "x" * 5_000_000


def _raw(
    name: str, content: bytes, path: str = "/flows/", headers: dict[str, str] | None = None, **options: Any
) -> Case:
    return post(name, path, content=content, headers=_JSON if headers is None else headers, **options)


def _parameters(name: str, parameters: Any) -> Case:
    body = {"flow_id": "{flow.id}", "name": name, "parameters": parameters}
    return _raw(name, json.dumps(body).encode(), "/flow_runs/")


CASES: list[Case] = [
    post("a flow", "/flows/", {"name": "cases-bad-input"}, save="flow"),
    post("a run", "/flow_runs/", {"flow_id": "{flow.id}", "name": "bad"}, save="run"),
    post("another run", "/flow_runs/", {"flow_id": "{flow.id}", "name": "bad"}, save="other"),
    _raw("malformed", b'{"name": '),
    _raw("malformed filter", b"{]", "/flow_runs/filter"),
    _raw("malformed state", b"{'state'}", "/flow_runs/{run.id}/set_state"),
    _raw("malformed logs", b"[{]", "/logs/"),
    _raw("trailing comma", b'{"name": "x",}'),
    _raw("two values", b'{"name": "x"} {}'),
    _raw("not UTF-8", b'{"name": "\xff\xfe"}'),
    _raw("empty", b""),
    _raw("blank", b"   "),
    _raw("a number", b"5"),
    _raw("a string", b'"x"'),
    _raw("null", b"null"),
    _raw("null filter", b"null", "/flows/filter", of_all=True),
    _raw("empty filter", b"", "/flows/count", of_all=True),
    _raw("filter a list", b"[]", "/flow_runs/filter"),
    _raw("key twice", b'{"name": "cases-twice-1", "name": "cases-twice-2"}'),
    _raw("byte order mark", b'\xef\xbb\xbf{"name": "cases-bom"}'),
    _raw("text/plain", b'{"name": "cases-plain"}', headers={"Content-Type": "text/plain"}),
    _raw("form", b"name=x", headers={"Content-Type": "application/x-www-form-urlencoded"}),
    _raw("no content type", b'{"name": "cases-untyped"}', headers={}),
    _raw("JSON of some kind", b'{"name": "cases-kind"}', headers={"Content-Type": "application/vnd.x+json"}),
    _raw("deep", b'{"name": ' + b"[" * 100 + b"]" * 100 + b"}"),
    _raw("not a number", b'{"name": "x", "labels": {"a": NaN}}'),
    _raw("infinity in a filter", b'{"limit": Infinity}', "/flows/filter"),
    _raw("huge integer", b'{"limit": 123456789012345678901234567890}', "/flows/filter"),
    _raw("huge offset", b'{"offset": 9223372036854775808}', "/flows/filter"),
    _raw("lone surrogate", b'{"name": "cases-\\ud800"}'),
    _raw("NUL in a flow name", b'{"name": "cases-\\u0000"}'),
    _raw("NUL in a tag", b'{"name": "cases-nul", "tags": ["a\\u0000b"]}'),
    _raw("NUL in a run name", b'{"flow_id": "{flow.id}", "name": "a\\u0000b"}', "/flow_runs/"),
    _raw(
        "NUL in a message", b'{"state": {"type": "RUNNING", "message": "a\\u0000b"}}', "/flow_runs/{other.id}/set_state"
    ),
    _raw("NUL in a filter", b'{"flows": {"name": {"any_": ["a\\u0000b"]}}}', "/flows/filter"),
    _raw("NUL in an input", b'{"key": "nul", "value": "\\"a\\\\u0000b\\""}', "/flow_runs/{run.id}/input"),
    _raw(
        "NUL in a log line",
        b'[{"name": "n", "level": 20, "message": "a\\u0000b", "timestamp": "2099-01-01T00:00:00Z",'
        b' "flow_run_id": "{run.id}"}]',
        "/logs/",
    ),
    post("log line with NUL read", "/logs/filter", {"logs": {"flow_run_id": {"any_": ["{run.id}"]}}}),
    get("input with NUL read", "/flow_runs/{run.id}/input/nul"),
    _parameters("NUL in parameters", {"a": "x\0y"}),
    _parameters("NUL in a parameter's name", {"x\0y": 1}),
    get("NUL in a path", "/flows/name/a%00b"),
    get("slash in a path", "/flows/name/a%2Fb"),
    get("not UTF-8 in a path", "/flows/name/a%ffb"),
    get("id with braces", "/flows/%7Babc%7D"),
    get("run unharmed", "/flow_runs/{run.id}"),
    _parameters("parameters too large", {"a": "x" * 524_289}),
    _parameters("parameters large", {"a": "x" * 500_000}),
    _parameters("5 MB of parameters", {"a": _MEGABYTES}),
    post("5 MB of a name", "/flows/", {"name": _MEGABYTES}),
    post("5 MB of an unknown key", "/flows/", {"name": "x", _MEGABYTES: 1}),
    post("5 MB of a message", "/flow_runs/{run.id}/set_state", {"state": {"type": "RUNNING", "message": _MEGABYTES}}),
    post("5 MB in an input", "/flow_runs/{run.id}/input", {"key": "big", "value": json.dumps(_MEGABYTES)}),
    _raw("5 MB malformed", b"[" + b"1," * 2_500_000, "/logs/"),
    get("healthy afterwards", "/health"),
]
