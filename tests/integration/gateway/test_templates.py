"""Templates are programs of users: whatever they do, the gateway goes on."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import AsyncClient, Response

from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from tests.integration.gateway.house import Addresses


async def run_with(caller: AsyncClient, template: str) -> Response:
    """The answer to a run whose parameter is a template."""
    flow = (await caller.post("/flows/", json={"name": "flow"})).json()
    deployment = (await caller.post("/deployments/", json={"name": "deployment", "flow_id": flow["id"]})).json()
    parameters: dict[str, Any] = {"x": {"__prefect_kind": "jinja", "template": template}}
    path = f"/deployments/{deployment['id']}/create_flow_run"
    return await caller.post(path, json={"parameters": parameters, "enforce_parameter_schema": False})


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ 9 ** (9 ** 9) }}", "more than 2 s of CPU time"),
        ("{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}", "2 s of CPU"),
        ("{{ 'x' * 10 ** 11 }}", "MemoryError"),
        ("{{ 'x' * 2000000 }}", "longer than 1000000 characters"),
    ],
)
async def test_a_template_without_measure_is_refused(addresses: Addresses, template: str, reason: str) -> None:
    async with addresses.running(run_policy, run_projector), addresses.gateway() as caller:
        refused = await run_with(caller, template)
        assert refused.status_code == 400
        assert reason in refused.json()["detail"]
        assert (await caller.post("/flow_runs/count", json={})).json() == 0
        made = await run_with(caller, "{{ 1 + 2 }}")
        assert made.json()["parameters"] == {"x": "3"}
