"""Work pools, the queues in them, workers, and what they are given to do."""

from typing import Any

from tests.acceptance.cases.case import UNKNOWN, Case, delete, get, patch, post

_TEMPLATE = {
    "job_configuration": {"command": "{{ command }}", "env": "{{ env }}"},
    "variables": {
        "type": "object",
        "properties": {"command": {"type": "string"}, "env": {"type": "object", "default": {}}},
        "required": ["command"],
    },
}


def _template(**variables: Any) -> dict[str, Any]:
    described = {"type": "object", "properties": variables}
    return {"job_configuration": {"command": "{{ x }}"}, "variables": described}


def _pool(name: str, what: str = "", **fields: Any) -> Case:
    body = {"name": f"cases-{name}", **fields}
    return post(f"pool {name} {what}".strip(), "/work_pools/", body, save="" if what else name)


def _patched(what: str, **fields: Any) -> list[Case]:
    return [
        patch(f"patch pool: {what}", "/work_pools/cases-process", fields),
        get(f"read pool: {what}", "/work_pools/cases-process"),
    ]


POOL_CASES: list[Case] = [
    _pool("plain"),
    _pool(
        "process",
        type="process",
        description="words",
        base_job_template=_TEMPLATE,
        concurrency_limit=5,
        storage_configuration={"bundle_upload_step": {"a": 1}},
    ),
    _pool("paused", type="process", is_paused=True),
    _pool("nulls", type="process", description=None, concurrency_limit=None),
    _pool("process", "again"),
    # What is refused.
    post("reserved", "/work_pools/", {"name": "Prefect-pool"}),
    post("reserved and invalid", "/work_pools/", {"name": "prefect", "concurrency_limit": -1}),
    patch("patch reserved", "/work_pools/prefect-x", {"description": "x"}),
    patch("patch reserved, allowed", "/work_pools/prefect-x", {"is_paused": True}),
    delete("delete reserved", "/work_pools/prefect-x"),
    _pool("x/y", "bad name"),
    post("empty name", "/work_pools/", {"name": ""}),
    post("empty-ish name", "/work_pools/", {"name": " '"}),
    post("no name", "/work_pools/", {}),
    post("no body", "/work_pools/"),
    _pool("x", "unknown key", nope=1),
    _pool("x", "negative limit", concurrency_limit=-1),
    _pool("x", "template without variables", base_job_template={"job_configuration": {"a": 1}}),
    _pool("x", "undeclared variable", base_job_template=_template(y={"type": "string"})),
    _pool("x", "bad default", base_job_template=_template(x={"type": "string", "default": 1})),
    _pool("x", "bad schema", base_job_template=_template(x={"type": 5})),
    _pool(
        "x",
        "default of an unknown block",
        base_job_template=_template(x={"default": {"$ref": {"block_document_id": UNKNOWN}}}),
    ),
    _pool("x", "unknown storage key", storage_configuration={"nope": 1}),
    # Reads.
    get("read", "/work_pools/cases-process"),
    get("read unknown", "/work_pools/cases-none"),
    *[
        post(f"filter: {name}", "/work_pools/filter", body)
        for name, body in {
            "by name": {"work_pools": {"name": {"any_": ["cases-plain", "cases-process", "none"]}}},
            "by type": {"work_pools": {"type": {"any_": ["process"]}, "name": {"any_": ["cases-process"]}}},
            "by id": {"work_pools": {"id": {"any_": ["{plain.id}", UNKNOWN]}}},
            "by either": {
                "work_pools": {"operator": "or_", "id": {"any_": ["{plain.id}"]}, "name": {"any_": ["cases-nulls"]}}
            },
            "none": {"work_pools": {"name": {"any_": []}}},
            "unknown key": {"work_pools": {"colour": {}}},
            "limit": {"limit": 201},
            "offset": {"offset": -1},
        }.items()
    ],
    post("count", "/work_pools/count", {"work_pools": {"name": {"any_": ["cases-plain", "cases-process"]}}}),
    post("count unknown key", "/work_pools/count", {"work_pools": {"colour": {}}}),
    # Changes.
    *_patched("description", description="other"),
    *_patched("nothing"),
    *_patched("limit", concurrency_limit=2),
    *_patched("no limit", concurrency_limit=None),
    *_patched("storage", storage_configuration={"bundle_execution_step": {"b": 2}}),
    *_patched("template", base_job_template=_template(x={"type": "string"})),
    *_patched("bad template", base_job_template={"variables": {}}),
    *_patched("paused", is_paused=True),
    *_patched("not paused", is_paused=False),
    *_patched("unknown key", nope=1),
    *_patched("null pause", is_paused=None),
    patch("patch agents' pool", "/work_pools/cases-plain", {"is_paused": True}),
    get("read agents' pool", "/work_pools/cases-plain"),
    patch("patch unknown", "/work_pools/cases-none", {"description": "x"}),
    # Workers.
    post("heartbeat", "/work_pools/cases-process/workers/heartbeat", {"name": "w1"}),
    post(
        "heartbeat again",
        "/work_pools/cases-process/workers/heartbeat",
        {"name": "w1", "heartbeat_interval_seconds": 20},
    ),
    post("heartbeat without interval", "/work_pools/cases-process/workers/heartbeat", {"name": "w1"}),
    post("heartbeat of another", "/work_pools/cases-process/workers/heartbeat", {"name": "w2"}),
    post("heartbeat in no pool", "/work_pools/cases-none/workers/heartbeat", {"name": "w1"}),
    post("heartbeat of nobody", "/work_pools/cases-process/workers/heartbeat", {}),
    post(
        "heartbeat: wrong interval",
        "/work_pools/cases-process/workers/heartbeat",
        {"name": "w", "heartbeat_interval_seconds": "x"},
    ),
    get("ready pool", "/work_pools/cases-process"),
    *_patched("paused with workers", is_paused=True),
    *_patched("not paused with workers", is_paused=False),
    *[
        post(f"workers: {name}", "/work_pools/cases-process/workers/filter", body)
        for name, body in {
            "all": {},
            "online": {"workers": {"status": {"any_": ["ONLINE"]}}},
            "offline": {"workers": {"status": {"any_": ["OFFLINE"]}}},
            "not offline": {"workers": {"status": {"not_any_": ["OFFLINE"]}}},
            "seen long ago": {"workers": {"last_heartbeat_time": {"before_": "2001-01-01T00:00:00Z"}}},
            "seen since": {"workers": {"last_heartbeat_time": {"after_": "2001-01-01T00:00:00Z"}}, "limit": 1},
            "page": {"limit": 1, "offset": 1},
            "unknown status": {"workers": {"status": {"any_": ["AWAY"]}}},
        }.items()
    ],
    post("workers of no pool", "/work_pools/cases-none/workers/filter", {}),
    delete("worker signs off", "/work_pools/cases-process/workers/w2"),
    delete("worker signs off twice", "/work_pools/cases-process/workers/w2"),
    delete("worker of no pool", "/work_pools/cases-none/workers/w2"),
    post("workers left", "/work_pools/cases-process/workers/filter", {}),
    # Occupancy.
    post("concurrency", "/work_pools/cases-process/concurrency_status", {}),
    post("concurrency page", "/work_pools/cases-process/concurrency_status", {"limit": 1, "page": 2}),
    post("concurrency limit 0", "/work_pools/cases-process/concurrency_status", {"limit": 0}),
    post("concurrency of none", "/work_pools/cases-none/concurrency_status", {}),
    post("concurrency: wrong page", "/work_pools/cases-process/concurrency_status", {"page": 0}),
    # Deletion.
    delete("delete", "/work_pools/cases-nulls"),
    delete("delete again", "/work_pools/cases-nulls"),
    get("deleted", "/work_pools/cases-nulls"),
    _pool("nulls", "anew"),
]


def _queue(name: str, what: str = "", **fields: Any) -> Case:
    body = {"name": name, **fields}
    return post(f"queue {name} {what}".strip(), "/work_pools/cases-queues/queues", body, save="" if what else name)


def _order(after: str) -> Case:
    return post(f"order after {after}", "/work_pools/cases-queues/queues/filter", {})


def _changed(queue: str, what: str, **fields: Any) -> list[Case]:
    return [
        patch(f"patch {queue}: {what}", f"/work_pools/cases-queues/queues/{queue}", fields),
        get(f"read {queue}: {what}", f"/work_pools/cases-queues/queues/{queue}"),
    ]


QUEUE_CASES: list[Case] = [
    post("pool", "/work_pools/", {"name": "cases-queues", "type": "process"}, save="pool"),
    get("default queue", "/work_pools/cases-queues/queues/default"),
    _queue("one"),
    _queue("two", description="words", concurrency_limit=3, priority=2, is_paused=True),
    _order("two"),
    _queue("three", priority=1),
    _order("three"),
    _queue("far", priority=20),
    _queue("gap"),
    _order("gap"),
    _queue("filtering", filter={"tags": ["a"], "deployment_ids": [UNKNOWN]}),
    _queue("one", "again"),
    _queue("x", "null description", description=None),
    _queue("x/y", "bad name"),
    _queue("x", "priority 0", priority=0),
    _queue("x", "negative limit", concurrency_limit=-1),
    _queue("x", "unknown key", nope=1),
    post("queue in no pool", "/work_pools/cases-none/queues", {"name": "x"}),
    get("read", "/work_pools/cases-queues/queues/two"),
    get("read unknown", "/work_pools/cases-queues/queues/none"),
    get("read in no pool", "/work_pools/cases-none/queues/one"),
    *_changed("far", "first", priority=1),
    _order("far first"),
    *_changed("gap", "in the middle", priority=3),
    _order("gap in the middle"),
    *_changed("one", "last", priority=50),
    _order("one last"),
    *_changed("two", "not paused", is_paused=False),
    *_changed("two", "paused", is_paused=True),
    *_changed("two", "not paused again", is_paused=False),
    *_changed("two", "limit and description", concurrency_limit=None, description="x"),
    *_changed("two", "polled", last_polled="2001-01-01T00:00:00Z"),
    *_changed("two", "filter", filter={"tags": ["b"]}),
    *_changed("two", "null description", description=None),
    *_changed("two", "null priority", priority=None),
    *_changed("two", "null name", name=None),
    *_changed("two", "a name that is taken", name="one"),
    *_changed("two", "unknown key", nope=1),
    *_changed("two", "nothing"),
    patch("rename", "/work_pools/cases-queues/queues/gap", {"name": "renamed"}),
    get("renamed", "/work_pools/cases-queues/queues/renamed"),
    get("former name", "/work_pools/cases-queues/queues/gap"),
    patch("patch unknown", "/work_pools/cases-queues/queues/none", {"priority": 1}),
    patch("patch in no pool", "/work_pools/cases-none/queues/one", {"priority": 1}),
    *[
        post(f"filter: {name}", "/work_pools/cases-queues/queues/filter", body)
        for name, body in {
            "by name": {"work_queues": {"name": {"any_": ["one", "two"]}}},
            "by prefix": {"work_queues": {"name": {"startswith_": ["T", "ren"]}}},
            "by id": {"work_queues": {"id": {"any_": ["{one.id}"]}}},
            "page": {"limit": 2, "offset": 1},
            "unknown key": {"work_queues": {"colour": {}}},
        }.items()
    ],
    post("filter in no pool", "/work_pools/cases-none/queues/filter", {}),
    delete("delete", "/work_pools/cases-queues/queues/three"),
    delete("delete again", "/work_pools/cases-queues/queues/three"),
    delete("delete the default", "/work_pools/cases-queues/queues/default"),
    delete("delete in no pool", "/work_pools/cases-none/queues/one"),
    _order("deletion"),
    # By themselves.
    get("by id", "/work_queues/{one.id}"),
    get("by unknown id", f"/work_queues/{UNKNOWN}"),
    post("filter all by id", "/work_queues/filter", {"work_queues": {"id": {"any_": ["{one.id}", "{two.id}"]}}}),
    post("filter all: unknown key", "/work_queues/filter", {"work_queues": {"colour": {}}}),
    patch("patch by id", "/work_queues/{one.id}", {"priority": 1, "concurrency_limit": 4}),
    get("by id again", "/work_queues/{one.id}"),
    patch("pause by id", "/work_queues/{one.id}", {"is_paused": True}),
    get("paused by id", "/work_queues/{one.id}"),
    patch("patch unknown id", f"/work_queues/{UNKNOWN}", {"priority": 1}),
    get("status", "/work_queues/{one.id}/status"),
    get("status of unknown", f"/work_queues/{UNKNOWN}/status"),
    post("concurrency", "/work_queues/{one.id}/concurrency_status", {}),
    post("concurrency of unknown", f"/work_queues/{UNKNOWN}/concurrency_status", {}),
    post("runs of unknown", f"/work_queues/{UNKNOWN}/get_runs", {}),
    delete("delete by id", "/work_queues/{one.id}"),
    delete("delete by id again", "/work_queues/{one.id}"),
    post("agents' queue", "/work_queues/", {"name": "cases-agents"}, save="agents"),
    post("agents' queue again", "/work_queues/", {"name": "cases-agents"}),
    post(
        "agents' queue with a limit",
        "/work_queues/",
        {"name": "cases-agents-limited", "concurrency_limit": 1, "priority": 1},
    ),
    get("agents' queue by name", "/work_queues/name/cases-agents"),
    get("other pool's queue by name", "/work_queues/name/two"),
    get("unknown by name", "/work_queues/name/cases-none"),
    get("agents' pool", "/work_pools/default-agent-pool"),
]
