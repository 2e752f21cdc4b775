"""What is made, changed and taken away is told on `/events/out` as the genuine server tells it."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.acceptance.cases.case import resolved
from tests.acceptance.conftest import Pair
from tests.acceptance.normal import Normalizer, difference, shown
from tests.acceptance.server import Server
from tests.acceptance.sockets import AUTHENTICATE, events_in

pytestmark = pytest.mark.acceptance

_SECONDS = 30.0
_RUN = "00000000-0000-4000-8000-0000000a1f02"
_TEMPLATE = {
    "job_configuration": {"command": "{{ command }}"},
    "variables": {"type": "object", "properties": {"command": {"type": "string"}}},
}
#: The name under which the answer is known, method, path and body.
REQUESTS: list[tuple[str, str, str, Any]] = [
    ("flow", "POST", "/flows/", {"name": "{salt.name}", "tags": ["a"], "labels": {"l": 1}}),
    ("", "POST", "/flows/", {"name": "{salt.name}"}),
    ("", "PATCH", "/flows/{flow.id}", {"tags": ["b"]}),
    ("variable", "POST", "/variables/", {"name": "{salt.name}", "value": {"x": [1, None]}, "tags": ["a"]}),
    ("", "PATCH", "/variables/{variable.id}", {"name": "{salt.other}", "value": None}),
    ("", "DELETE", "/variables/{variable.id}", None),
    ("first", "POST", "/artifacts/", {"key": "{salt.name}", "type": "table", "data": [{"b": 1, "a": None}]}),
    ("second", "POST", "/artifacts/", {"key": "{salt.name}", "description": "d", "flow_run_id": _RUN}),
    ("third", "POST", "/artifacts/", {"key": "{salt.name}", "data": 1, "flow_run_id": _RUN, "task_run_id": _RUN}),
    ("lone", "POST", "/artifacts/", {"type": "markdown", "data": "{salt.name}"}),
    ("", "PATCH", "/artifacts/{second.id}", {"data": "changed"}),
    ("", "PATCH", "/artifacts/{third.id}", {"data": "changed too"}),
    ("", "DELETE", "/artifacts/{third.id}", None),
    ("", "DELETE", "/artifacts/{first.id}", None),
    ("", "DELETE", "/artifacts/{second.id}", None),
    ("", "DELETE", "/artifacts/{lone.id}", None),
    ("fourth", "POST", "/artifacts/", {"key": "{salt.name}"}),
    ("pool", "POST", "/work_pools/", {"name": "{salt.name}", "type": "process"}),
    ("", "PATCH", "/work_pools/{salt.name}", {"description": "d", "concurrency_limit": 3}),
    ("", "PATCH", "/work_pools/{salt.name}", {"description": "d"}),
    ("", "PATCH", "/work_pools/{salt.name}", {"base_job_template": _TEMPLATE}),
    ("", "PATCH", "/work_pools/{salt.name}", {"is_paused": True, "description": "paused"}),
    ("", "PATCH", "/work_pools/{salt.name}", {"is_paused": True}),
    ("", "POST", "/work_pools/", {"name": "{salt.other}", "type": "process", "is_paused": True}),
    ("", "DELETE", "/work_pools/{salt.other}", None),
    ("limit", "POST", "/v2/concurrency_limits/", {"name": "{salt.name}", "limit": 1}),
    ("queue", "POST", "/work_pools/{salt.name}/queues", {"name": "fast", "priority": 1}),
    ("", "PATCH", "/work_pools/{salt.name}/queues/fast", {"description": "q", "concurrency_limit": 2}),
    ("", "PATCH", "/work_pools/{salt.name}/queues/fast", {"priority": 2}),
    ("", "PATCH", "/work_pools/{salt.name}/queues/fast", {"is_paused": True}),
    ("", "PATCH", "/work_pools/{salt.name}/queues/fast", {"is_paused": True}),
    (
        "deployment",
        "POST",
        "/deployments/",
        {
            "name": "{salt.name}",
            "flow_id": "{flow.id}",
            "work_pool_name": "{salt.name}",
            "work_queue_name": "fast",
            "parameters": {"x": 1},
            "enforce_parameter_schema": False,
        },
    ),
    ("", "PATCH", "/deployments/{deployment.id}", {"description": "d", "tags": ["t"], "parameters": {"x": 2}}),
    ("", "PATCH", "/deployments/{deployment.id}", {"description": "d"}),
    ("", "PATCH", "/deployments/{deployment.id}", {"job_variables": {"a": 1}, "paused": True}),
    ("", "PATCH", "/deployments/{deployment.id}", {"global_concurrency_limit_id": "{limit.id}"}),
    ("", "PATCH", "/deployments/{deployment.id}", {"work_pool_name": "{salt.name}", "work_queue_name": "made"}),
    ("", "POST", "/deployments/", {"name": "{salt.name}", "flow_id": "{flow.id}", "version": "2", "parameters": {}}),
    ("", "DELETE", "/deployments/{deployment.id}", None),
    ("", "DELETE", "/work_pools/{salt.name}/queues/fast", None),
    ("", "DELETE", "/work_pools/{salt.name}", None),
    ("", "DELETE", "/flows/{flow.id}", None),
]


def _told(server: Server) -> list[str]:
    """Every event about what the requests are about; the last one is about the flow's end."""
    salt, found = uuid4().hex, list[Any]()
    normalize = Normalizer({salt: "<salt>"})
    known: dict[str, Any] = {"salt": {"name": f"n-{salt}", "other": f"o-{salt}"}}
    wanted = {
        "event": {"prefix": ["prefect."], "exclude_prefix": ["prefect.flow-run", "prefect.concurrency-limit"]},
        "occurred": {"since": "2001-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"},
    }
    with events_in(server, path="/events/out") as events, httpx.Client(base_url=server.api_url, timeout=60) as api:
        events.send(AUTHENTICATE)
        events.recv(_SECONDS)
        events.send(json.dumps({"type": "filter", "filter": wanted, "backfill": False}))
        assert events.ping().wait(_SECONDS)
        for name, method, path, body in REQUESTS:
            response = api.request(method, resolved(path, known), json=resolved(body, known)).raise_for_status()
            if name:
                known[name] = response.json()
                normalize.name(known[name]["id"], f"<{name}>")
        last = {"event": "prefect.flow.deleted", "about": f"prefect.flow.{known['flow']['id']}"}
        while not found or last != {"event": found[-1]["event"], "about": found[-1]["resource"]["prefect.resource.id"]}:
            event = json.loads(events.recv(_SECONDS))["event"]
            if salt in json.dumps(event):
                found.append(event)
    return sorted(shown(normalize(_without_order(event))) for event in found)


def _without_order(event: dict[str, Any]) -> dict[str, Any]:
    payload = event["payload"]
    # The genuine server makes it out of a set.
    updated = {"updated_fields": sorted(payload["updated_fields"])} if "updated_fields" in payload else {}
    # The genuine server links the events about a pool's status that follow each other within minutes.
    return event | {"payload": payload | updated, "follows": None}


def test_changes_of_resources_are_told_alike(pair: Pair) -> None:
    theirs, ours = pair.answers("resource_events", [REQUESTS, _told], _told)
    found = difference([json.loads(item) for item in theirs], [json.loads(item) for item in ours])
    if found:
        pytest.fail(found, pytrace=False)
