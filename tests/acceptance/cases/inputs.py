"""Inputs of a flow run."""

from tests.acceptance.cases.case import UNKNOWN, Case, delete, get, post


def _put(name: str, **body: object) -> Case:
    return post(name, "/flow_runs/{run.id}/input", body)


def _found(name: str, **body: object) -> Case:
    return post(f"filter: {name}", "/flow_runs/{run.id}/input/filter", body)


CASES: list[Case] = [
    post("a flow", "/flows/", {"name": "cases-inputs"}, save="flow"),
    post("a run", "/flow_runs/", {"flow_id": "{flow.id}", "name": "inputs"}, save="run"),
    _put("created", key="a-1", value='{"x": [1, 2.5, null, "ü"]}'),
    _put("created with sender", key="a-2", value='"text"', sender="prefect.flow-run.x"),
    _put("of a number", key="b-1", value="17"),
    _put("of null", key="b-2", value="null"),
    _put("with spaces", key="b-3", value=' { "a" :  1 } '),
    _put("same key", key="a-1", value="2"),
    _put("not JSON", key="c-1", value="{"),
    _put("value an object", key="c-2", value={"x": 1}),
    _put("value missing", key="c-3"),
    _put("key missing", value="1"),
    _put("key empty", key="", value="1"),
    post("no body", "/flow_runs/{run.id}/input"),
    post("unknown run", f"/flow_runs/{UNKNOWN}/input", {"key": "a", "value": "1"}),
    post("run not a uuid", "/flow_runs/nope/input", {"key": "a", "value": "1"}),
    get("read", "/flow_runs/{run.id}/input/a-1"),
    get("read text", "/flow_runs/{run.id}/input/a-2"),
    get("read number", "/flow_runs/{run.id}/input/b-1"),
    get("read null", "/flow_runs/{run.id}/input/b-2"),
    get("read with spaces", "/flow_runs/{run.id}/input/b-3"),
    get("read unknown key", "/flow_runs/{run.id}/input/none"),
    get("read of unknown run", f"/flow_runs/{UNKNOWN}/input/a-1"),
    _found("prefix", prefix="a-", limit=10),
    _found("default limit", prefix="a-"),
    _found("without some", prefix="", limit=10, exclude_keys=["a-1", "b-1"]),
    _found("none", prefix="zzz", limit=10),
    _found("limit 0", prefix="a-", limit=0),
    _found("limit 201", prefix="a-", limit=201),
    _found("limit -1", prefix="a-", limit=-1),
    _found("prefix missing"),
    _found("keys wrong", prefix="a", exclude_keys="a-1"),
    post("filter of unknown run", f"/flow_runs/{UNKNOWN}/input/filter", {"prefix": ""}),
    delete("deleted", "/flow_runs/{run.id}/input/a-1"),
    delete("deleted again", "/flow_runs/{run.id}/input/a-1"),
    get("read deleted", "/flow_runs/{run.id}/input/a-1"),
    _put("created anew", key="a-1", value="3"),
    get("read anew", "/flow_runs/{run.id}/input/a-1"),
    delete("deleted of unknown run", f"/flow_runs/{UNKNOWN}/input/a-1"),
]
