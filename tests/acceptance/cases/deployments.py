"""Deployments: created, changed, found, deleted, and runs created from them."""

from typing import Any

from tests.acceptance.cases.case import UNKNOWN, Case, delete, get, patch, post

_SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}


def _deployment(name: str, what: str = "", **fields: Any) -> Case:
    body = {"name": f"cases-{name}", "flow_id": "{flow.id}", **fields}
    return post(f"deployment {name} {what}".strip(), "/deployments/", body, save="" if what else name)


def _patched(name: str, what: str, **fields: Any) -> list[Case]:
    return [
        patch(f"patch {name}: {what}", f"/deployments/{{{name}.id}}", fields),
        get(f"read {name}: {what}", f"/deployments/{{{name}.id}}"),
    ]


def _run(of: str, what: str, save: str = "", **fields: Any) -> Case:
    # Tags of the deployment and of the request are joined as a set.
    return post(f"run of {of}: {what}", f"/deployments/{{{of}.id}}/create_flow_run", fields, save=save)


CASES: list[Case] = [
    post("flow", "/flows/", {"name": "cases-deployments", "labels": {"team": "x"}}, save="flow"),
    _deployment("plain"),
    _deployment(
        "full",
        version="1",
        description="words",
        paused=True,
        tags=["a"],
        labels={"k": "v", "team": "y"},
        parameters={"x": 1},
        parameter_openapi_schema=_SCHEMA,
        enforce_parameter_schema=True,
        path="/here",
        entrypoint="flows.py:flow",
        pull_steps=[{"step": {"a": 1}}],
        job_variables={"image": "i"},
        concurrency_limit=2,
        concurrency_options={"collision_strategy": "CANCEL_NEW", "grace_period_seconds": 60},
        version_info={"type": "t", "version": "v"},
        schedules=[],
        work_pool_name=None,
        work_queue_name=None,
        storage_document_id=None,
        infrastructure_document_id=None,
    ),
    _deployment("full", "again, with less"),
    _deployment("full", "again, with other slots", concurrency_limit=3, tags=["b"], parameters={"x": 2}),
    _deployment("full", "again, with nulls", description=None, concurrency_options=None, parameter_openapi_schema=None),
    patch("patch full: without a schema", "/deployments/{full.id}", {"version": "9"}),
    _run("full", "without a schema"),
    _deployment("full", "again, with a schema", parameters={"x": 2}, parameter_openapi_schema=_SCHEMA),
    _deployment(
        "full", "misfit", parameters={"x": "a"}, parameter_openapi_schema=_SCHEMA, enforce_parameter_schema=True
    ),
    _deployment("full", "bad schema", parameter_openapi_schema={"type": 5}, enforce_parameter_schema=True),
    _deployment("plain", "again, as the SDK says it", parameter_openapi_schema=_SCHEMA, concurrency_limit=None),
    # What is refused.
    _deployment("x", "unknown key", nope=1),
    _deployment("x", "unknown flow", flow_id=UNKNOWN),
    _deployment("x", "unknown limit", global_concurrency_limit_id=UNKNOWN),
    _deployment("x", "unknown pool", work_pool_name="cases-none"),
    _deployment("x", "no slots", concurrency_limit=0),
    _deployment("x", "two limits", concurrency_limit=1, global_concurrency_limit_id=UNKNOWN),
    _deployment("x", "unknown strategy", concurrency_options={"collision_strategy": "WAIT"}),
    _deployment("x", "no strategy", concurrency_options={}),
    _deployment("x", "short grace", concurrency_options={"collision_strategy": "ENQUEUE", "grace_period_seconds": 59}),
    _deployment("x", "tags a text", tags="a"),
    _deployment("x", "unknown infrastructure", infrastructure_document_id=UNKNOWN),
    _deployment("x", "unknown storage", storage_document_id=UNKNOWN),
    post("no flow", "/deployments/", {"name": "x"}),
    post("no body", "/deployments/"),
    # Reads.
    get("read", "/deployments/{full.id}"),
    get("read unknown", f"/deployments/{UNKNOWN}"),
    get("by name", "/deployments/name/cases-deployments/cases-full"),
    get("by unknown name", "/deployments/name/cases-deployments/none"),
    get("by unknown flow", "/deployments/name/none/cases-full"),
    # Limits.
    post("shared limit", "/v2/concurrency_limits/", {"name": "cases-shared", "limit": 5}, save="shared"),
    *_patched("full", "description", description="others"),
    *_patched("full", "other slots", concurrency_limit=4),
    *_patched("full", "nothing"),
    *_patched("full", "no limit", concurrency_limit=None),
    get("own limit is gone", "/v2/concurrency_limits/deployment:{full.id}"),
    *_patched("full", "a limit again", concurrency_limit=1),
    *_patched("full", "no limit again", concurrency_limit=None),
    *_patched("full", "shared limit", global_concurrency_limit_id="{shared.id}"),
    *_patched("full", "not shared", global_concurrency_limit_id=None),
    *_patched("full", "options", concurrency_options={"collision_strategy": "ENQUEUE"}),
    *_patched("full", "version and tags", version="2", tags=["x"], paused=False),
    *_patched("full", "fitting parameters", parameters={"x": 5}),
    *_patched("full", "misfit parameters", parameters={"x": "five"}),
    _deployment("sharing", global_concurrency_limit_id="{shared.id}"),
    patch("patch unknown", f"/deployments/{UNKNOWN}", {"version": "1"}),
    patch("patch unknown key", "/deployments/{full.id}", {"nope": 1}),
    patch("patch unknown limit", "/deployments/{full.id}", {"global_concurrency_limit_id": UNKNOWN}),
    post("pause", "/deployments/{plain.id}/pause_deployment"),
    get("read paused", "/deployments/{plain.id}"),
    post("resume", "/deployments/{plain.id}/resume_deployment"),
    post("pause unknown", f"/deployments/{UNKNOWN}/pause_deployment"),
    post("resume unknown", f"/deployments/{UNKNOWN}/resume_deployment"),
    # Filters.
    *[
        post(f"filter: {name}", "/deployments/filter", body)
        for name, body in {
            "by name": {"deployments": {"name": {"any_": ["cases-full", "none"]}}},
            "like": {"deployments": {"name": {"like_": "SHAR"}}},
            "flow or deployment": {"deployments": {"flow_or_deployment_name": {"like_": "deployments"}}},
            "paused": {"deployments": {"paused": {"eq_": True}}},
            "tags": {"deployments": {"tags": {"all_": ["x"]}}},
            "by id": {"deployments": {"id": {"any_": ["{plain.id}"]}}},
            "by flow": {"flows": {"name": {"any_": ["cases-deployments"]}}, "sort": "NAME_DESC"},
            "limit ignored": {"deployments": {"name": {"like_": "cases-"}, "concurrency_limit": {"ge_": 100}}},
            "page": {"flows": {"name": {"any_": ["cases-deployments"]}}, "limit": 1, "offset": 1},
            "unknown key": {"deployments": {"colour": {}}},
            "unknown sort": {"sort": "SIZE"},
        }.items()
    ],
    post("count", "/deployments/count", {"deployments": {"name": {"like_": "cases-"}}}),
    post("paginate", "/deployments/paginate", {"deployments": {"name": {"like_": "cases-"}}, "limit": 2}),
    post("flows with deployments", "/flows/count", {"deployments": {"name": {"any_": ["cases-plain"]}}}),
    post(
        "flows that have one",
        "/flows/filter",
        {"flows": {"name": {"any_": ["cases-deployments"]}, "deployment": {"is_null_": False}}},
    ),
    # Runs.
    _run("full", "plain", "first_run"),
    _run("plain", "its schema asks for more"),
    _run("full", "with parameters", parameters={"x": 7}),
    _run("full", "with wrong parameters", parameters={"x": "seven"}),
    _run("full", "unchecked", parameters={"x": "seven"}, enforce_parameter_schema=False),
    _run("full", "with all", name="named", context={"c": 1}, labels={"l": 1}, job_variables={"j": 1}),
    _run("full", "keyed", "keyed", idempotency_key="cases-key"),
    _run("full", "keyed again", idempotency_key="cases-key", name="other"),
    _run("full", "pending", state={"type": "PENDING"}),
    _run("full", "scheduled", state={"type": "SCHEDULED", "state_details": {"scheduled_time": "2099-01-01T00:00:00Z"}}),
    _run("full", "in a queue", work_queue_name="q"),
    _run("full", "unknown key", nope=1),
    _run("full", "retrying", empirical_policy={"retries": 2, "retry_delay": 1}),
    post("run of nothing", f"/deployments/{UNKNOWN}/create_flow_run", {}),
    post("runs of it", "/flow_runs/count", {"deployments": {"name": {"any_": ["cases-full"]}}}),
    post("due", "/deployments/get_scheduled_flow_runs", {"deployment_ids": ["{plain.id}"]}),
    post(
        "due soon",
        "/deployments/get_scheduled_flow_runs",
        {"deployment_ids": ["{full.id}"], "scheduled_before": "2099-02-01T00:00:00Z", "limit": 2},
    ),
    post("due without ids", "/deployments/get_scheduled_flow_runs", {}),
    delete("automations of it", "/automations/owned-by/prefect.deployment.{full.id}"),
    # Ends.
    post("running", "/flow_runs/{keyed.id}/set_state", {"state": {"type": "RUNNING"}, "force": True}),
    delete("deleted", "/deployments/{full.id}"),
    delete("deleted again", "/deployments/{full.id}"),
    get("run that was scheduled", "/flow_runs/{first_run.id}"),
    get("run that was running", "/flow_runs/{keyed.id}"),
    delete("sharing deleted", "/deployments/{plain.id}"),
    _deployment("plain", "anew"),
]
