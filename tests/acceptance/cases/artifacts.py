"""Artifacts: created, changed, found and deleted; the latest of each key; what the data of states are."""

import random
from typing import Any

from tests.acceptance.cases.case import UNKNOWN, Case, delete, get, patch, post

_LATEST = "/artifacts/cases-key/latest"
#: Of nobody, so that no other table has it.
_RUN = "00000000-0000-4000-8000-0000000a1f00"
_TASK = "00000000-0000-4000-8000-0000000a1f01"


def _artifact(name: str, save: str = "", **fields: Any) -> Case:
    return post(f"create {name}", "/artifacts/", {"type": "markdown", **fields}, save=save)


def _refused(what: str, **body: Any) -> Case:
    return post(f"refused: {what}", "/artifacts/", body)


def _patched(what: str, **changes: Any) -> list[Case]:
    return [
        patch(f"patch: {what}", "/artifacts/{second.id}", changes),
        get(f"read: {what}", "/artifacts/{second.id}"),
        get(f"read latest: {what}", _LATEST),
    ]


def _found(what: str, **body: Any) -> list[Case]:
    return [
        post(f"filter: {what}", "/artifacts/filter", {"sort": "CREATED_DESC", **body}, unordered=True),
        post(f"count: {what}", "/artifacts/count", body),
    ]


def _latest_found(what: str, **body: Any) -> list[Case]:
    return [
        post(f"filter latest: {what}", "/artifacts/latest/filter", {"sort": "KEY_ASC", **body}),
        post(f"count latest: {what}", "/artifacts/latest/count", body),
    ]


_OURS = {"key": {"like_": "cases-"}}

CASES: list[Case] = [
    get("no latest yet", _LATEST),
    _artifact("first", "first", key="cases-key", data="# one", description="d", metadata_={"a": "b"}),
    get("read", "/artifacts/{first.id}"),
    get("read latest: one", _LATEST),
    _artifact("second", "second", key="cases-key", type="table", data=[{"x": 1, "y": None}], flow_run_id=_RUN),
    get("read latest: two", _LATEST),
    _artifact("without a key", "lone", data={"x": [1, 1.5, "\u00fc"]}, flow_run_id=_RUN, task_run_id=_TASK),
    _artifact("of no type", "untyped", key="cases-untyped", type=None, flow_run_id=_RUN),
    _artifact("of nothing", "nothing", type=None, flow_run_id=_RUN),
    _artifact("of a result", "result", type="result", key="cases-result", data=0, flow_run_id=_RUN),
    _artifact("with long metadata", key="cases-long", metadata_={"long": "x" * 501, "short": "x" * 500}),
    _artifact("of large numbers", key="cases-large", data={"x": 2**70, "y": 1e22, "z": 1.0}),
    _refused("upper case", key="Cases"),
    _refused("underscore", key="cases_key"),
    _refused("number for a key", key=5),
    _refused("no metadata", metadata_="a"),
    _refused("metadata of a number", metadata_={"a": 1}),
    _refused("no uuid", flow_run_id="nope"),
    _refused("unknown key", nope=1),
    _refused("id", id=UNKNOWN),
    post("no body", "/artifacts/"),
    get("read unknown", f"/artifacts/{UNKNOWN}"),
    get("read no uuid", "/artifacts/nope"),
    get("latest of no key", "/artifacts/cases-none/latest"),
    *_patched("data", data=[{"x": 2}]),
    *_patched("null data", data=None),
    *_patched("description", description="new"),
    *_patched("metadata", metadata_={"c": "x" * 501}),
    *_patched("nulls", description=None, metadata_=None),
    *_patched("nothing"),
    *_patched("key", key="cases-other"),
    *_patched("metadata of a number", metadata_={"a": 1}),
    patch("patch unknown", f"/artifacts/{UNKNOWN}", {"data": 1}),
    patch("patch the first", "/artifacts/{first.id}", {"data": "# changed"}),
    get("latest stays", _LATEST),
    *_found("all of ours", artifacts=_OURS),
    *_found("by id", artifacts={"id": {"any_": ["{first.id}", UNKNOWN]}}),
    *_found("by keys", artifacts={"key": {"any_": ["cases-key", "cases-none"]}}),
    *_found("no keys", artifacts={"key": {"any_": []}}),
    *_found("without a key", artifacts={"key": {"exists_": False}, "flow_run_id": {"any_": [_RUN]}}),
    *_found("with a key", artifacts={"key": {"exists_": True}, "flow_run_id": {"any_": [_RUN]}}),
    *_found("empty like", artifacts={"key": {"like_": ""}, "flow_run_id": {"any_": [_RUN]}}),
    *_found("by type", artifacts={"type": {"any_": ["table"]}, "flow_run_id": {"any_": [_RUN]}}),
    *_found("not by type", artifacts={"type": {"not_any_": ["table"]}, "flow_run_id": {"any_": [_RUN]}}),
    *_found("by task run", artifacts={"task_run_id": {"any_": [_TASK]}}),
    *_found("or", artifacts={"operator": "or_", "key": {"any_": ["cases-long"]}, "task_run_id": {"any_": [_TASK]}}),
    *_found("of no such run", artifacts=_OURS, flow_runs={}),
    *_found("unknown key", artifacts={"colour": {}}),
    *_found("latest id", artifacts={"latest_id": {"any_": []}}),
    *_latest_found("all of ours", artifacts=_OURS),
    *_latest_found("by latest id", artifacts={"latest_id": {"any_": ["{second.id}", "{first.id}"]}}),
    *_latest_found("by type", artifacts={**_OURS, "type": {"any_": ["markdown"]}}),
    *_latest_found("by run", artifacts={"flow_run_id": {"any_": [_RUN]}}),
    *_latest_found("without a key", artifacts={"key": {"exists_": False}}),
    *_latest_found("by id", artifacts={"id": {"any_": []}}),
    *_latest_found("of no such run", artifacts=_OURS, task_runs={}),
    post("page", "/artifacts/filter", {"artifacts": _OURS, "sort": "CREATED_DESC", "limit": 2, "offset": 1}),
    post("lately changed", "/artifacts/filter", {"artifacts": _OURS, "sort": "UPDATED_DESC", "limit": 1}),
    post("by key", "/artifacts/latest/filter", {"artifacts": _OURS, "sort": "KEY_DESC", "limit": 2}),
    post("latest by time", "/artifacts/latest/filter", {"artifacts": _OURS, "sort": "CREATED_DESC"}),
    post("latest by change", "/artifacts/latest/filter", {"artifacts": _OURS, "sort": "UPDATED_DESC"}),
    post("unknown sort", "/artifacts/filter", {"sort": "SIZE", "artifacts": 5}),
    post("limit 201", "/artifacts/filter", {"limit": 201, "offset": -1}),
    post("latest limit 201", "/artifacts/latest/filter", {"limit": 201, "offset": -1}),
    post("latest offset -1", "/artifacts/latest/filter", {"offset": -1}),
    post("null filters", "/artifacts/count", {"artifacts": None, "flow_runs": None, "flows": {"id": {"any_": []}}}),
    get("no such method", "/artifacts/filter"),
    delete("delete the latest", "/artifacts/{second.id}"),
    get("the one before it", _LATEST),
    delete("delete again", "/artifacts/{second.id}"),
    get("read deleted", "/artifacts/{second.id}"),
    _artifact("third", "third", key="cases-key", data="# three"),
    get("read latest: three", _LATEST),
    delete("delete the first", "/artifacts/{first.id}"),
    get("latest is not the first", _LATEST),
    delete("delete the third", "/artifacts/{third.id}"),
    get("none left", _LATEST),
    post("key is gone", "/artifacts/latest/count", {"artifacts": {"key": {"any_": ["cases-key"]}}}),
    _artifact("fourth", "fourth", key="cases-key", data="# four"),
    get("read latest: four", _LATEST),
]


def _of_run(what: str) -> list[Case]:
    given = {"artifacts": {"flow_run_id": {"any_": ["{parent.id}", "{child.id}"]}}, "sort": "CREATED_DESC"}
    return [
        post(f"artifacts: {what}", "/artifacts/filter", given, unordered=True),
        post(f"latest: {what}", "/artifacts/latest/filter", {**given, "sort": "KEY_ASC"}),
        get(f"graph: {what}", "/flow_runs/{parent.id}/graph-v2"),
    ]


def _to(run: str, kind: str, data: Any, what: str, path: str = "flow_runs") -> Case:
    body = {"state": {"type": kind, "data": data}, "force": True}
    return post(f"{run} {what}", f"/{path}/{{{run}.id}}/set_state", body)


def _described(key: str, **data: Any) -> dict[str, Any]:
    return {"type": "t", "artifact_key": key, "artifact_type": "table", "artifact_description": "d", **data}


def _related(what: str, **criteria: Any) -> list[Case]:
    body = {"artifacts": {"flow_run_id": {"any_": ["{parent.id}"]}}, **criteria}
    return [
        post(f"count: {what}", "/artifacts/count", body),
        post(f"count latest: {what}", "/artifacts/latest/count", body),
    ]


def _result(key: str) -> dict[str, Any]:
    return {"artifacts": {"key": {"any_": [f"result-{key}"]}, "flow_run_id": {"any_": ["{parent.id}"]}}}


def _changed_and_deleted(name: str) -> list[Case]:
    return [
        post(f"find {name}", "/artifacts/filter", _result(name), save=name),
        get(f"read {name}", f"/artifacts/{{{name}.id}}"),
        patch(f"patch {name}", f"/artifacts/{{{name}.id}}", {"description": "new", "metadata_": {"a": "b"}}),
        get(f"read changed {name}", f"/artifacts/{{{name}.id}}"),
        get(f"read changed latest {name}", f"/artifacts/result-{name}/latest"),
        patch(f"patch {name} again", f"/artifacts/{{{name}.id}}", {"data": {"changed": 1}}),
        get(f"read {name} changed again", f"/artifacts/{{{name}.id}}"),
        delete(f"delete {name}", f"/artifacts/{{{name}.id}}"),
        get(f"read deleted {name}", f"/artifacts/{{{name}.id}}"),
        get(f"no latest {name}", f"/artifacts/result-{name}/latest"),
        patch(f"patch deleted {name}", f"/artifacts/{{{name}.id}}", {"description": "x"}),
        delete(f"delete {name} again", f"/artifacts/{{{name}.id}}"),
    ]


#: What can be asked of artifacts, of which each generated filter has some.
_LEAVES: dict[str, list[dict[str, Any]]] = {
    "key": [{"any_": ["result-one", "result-table"]}, {"like_": "RESULT-T"}, {"exists_": True}, {"exists_": False}],
    "type": [{"any_": ["table"]}, {"not_any_": ["progress"]}, {"not_any_": []}, {"any_": ["table"], "not_any_": ["x"]}],
    "task_run_id": [{"any_": ["{task.id}"]}, {"any_": []}, {}],
    "flow_run_id": [{"any_": ["{parent.id}"]}, {"any_": ["{child.id}", "{parent.id}"]}],
}
_RELATED: dict[str, list[dict[str, Any]]] = {
    "flows": [{"name": {"any_": ["cases-results"]}}, {"tags": {"is_null_": True}}, {"name": {"any_": ["cases-none"]}}],
    "flow_runs": [
        {"name": {"any_": ["parent"]}},
        {"name": {"like_": "chil"}},
        {"state": {"type": {"any_": ["RUNNING"]}}},
    ],
    "task_runs": [{"name": {"any_": ["child-0"]}}, {"subflow_runs": {"exists_": True}}, {}],
    "deployments": [{}],
}


def _generated(count: int) -> list[Case]:
    chance = random.Random(1)  # noqa: S311  to be the same in every run
    cases = []
    for number in range(count):
        fields = chance.sample(sorted(_LEAVES), chance.choice((1, 2, 2, 3)))
        asked: dict[str, Any] = {name: chance.choice(_LEAVES[name]) for name in fields}
        # All of them are about the runs of this table.
        ours = {"flow_runs": {"id": {"any_": ["{parent.id}", "{child.id}"]}}}
        if chance.random() < 0.4:
            asked["operator"] = "or_"
        body: dict[str, Any] = {"artifacts": asked} | ours
        for name in chance.sample(sorted(_RELATED), chance.choice((0, 0, 1, 2))):
            body[name] = body.get(name, {}) | chance.choice(_RELATED[name])
        cases += [
            post(f"generated {number}", "/artifacts/count", body),
            post(f"generated {number} of latest", "/artifacts/latest/count", body),
        ]
    return cases


RESULT_CASES: list[Case] = [
    post("a flow", "/flows/", {"name": "cases-results"}, save="flow"),
    post("a parent", "/flow_runs/", {"flow_id": "{flow.id}", "name": "parent"}, save="parent"),
    post(
        "a task run",
        "/task_runs/",
        {"flow_run_id": "{parent.id}", "task_key": "child", "dynamic_key": "0", "name": "child-0"},
        save="task",
    ),
    post(
        "a child",
        "/flow_runs/",
        {"flow_id": "{flow.id}", "name": "child", "parent_task_run_id": "{task.id}"},
        save="child",
    ),
    _to("parent", "RUNNING", None, "without data"),
    *_of_run("none"),
    _to("parent", "RUNNING", {"type": "unpersisted"}, "unpersisted"),
    _to("parent", "RUNNING", _described("result-one", x=1), "described"),
    *_of_run("described"),
    _to("parent", "RUNNING", {"artifact_key": "", "artifact_type": "", "x": 2}, "described by nothing"),
    _to("parent", "RUNNING", 0, "zero"),
    _to("parent", "RUNNING", {}, "empty"),
    _to("parent", "RUNNING", [1, None], "a list"),
    *_of_run("more"),
    _to("parent", "RUNNING", {"artifact_key": "result-last"}, "described only"),
    _to("task", "RUNNING", {"type": "r", "artifact_key": "result-task", "x": 3}, "of a task run", "task_runs"),
    _to("child", "RUNNING", _described("result-child", x=4), "of a subflow"),
    *_of_run("of all"),
    post("table of the parent", "/artifacts/", {"type": "table", "key": "result-table", "flow_run_id": "{parent.id}"}),
    post(
        "progress of the task",
        "/artifacts/",
        {"type": "progress", "data": 50.0, "flow_run_id": "{parent.id}", "task_run_id": "{task.id}"},
    ),
    *_of_run("with made ones"),
    *_related("of the flow", flows={"name": {"any_": ["cases-results"]}}),
    *_related("of another flow", flows={"name": {"any_": ["cases-none"]}}),
    *_related("of the run", flow_runs={"name": {"any_": ["parent"]}}),
    *_related("of the task run", task_runs={"name": {"any_": ["child-0"]}}),
    *_related("of a deployment", deployments={}),
    *_related("of run and task", flow_runs={"name": {"any_": ["parent"]}}, task_runs={}),
    *_generated(40),
    *_changed_and_deleted("one"),
    *_changed_and_deleted("task"),
    *_of_run("without some"),
    delete("the parent", "/flow_runs/{parent.id}"),
    *_of_run("of what is gone"),
    *_related("of a run that is gone", flow_runs={}),
    *_changed_and_deleted("last"),
]
