"""A decision is answered in time, also when the projection is late (docs/adr/0004)."""

from __future__ import annotations

from uuid import uuid4

from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from tests.integration.gateway.house import RUNNING, Addresses, fresh_key, new_run, states, until_answer

SHORT_SECONDS = 0.3


async def test_a_decision_that_cannot_be_read_yet_is_answered_and_what_is_read_has_a_mark(addresses: Addresses) -> None:
    async with addresses.running(run_policy), addresses.gateway() as patient, addresses.gateway(SHORT_SECONDS) as hasty:
        async with addresses.running(run_projector):
            run_id = await new_run(patient)
            assert await states(patient, run_id) == ["PENDING"]
        key = fresh_key()
        moved = await hasty.post(f"/flow_runs/{run_id}/set_state", json=RUNNING, headers=key)
        assert (moved.status_code, moved.json()["status"]) == (201, "ACCEPT")
        for _ in range(3):
            read = await hasty.get(f"/flow_runs/{run_id}")
            assert (read.json()["state_type"], read.headers["Antiphon-Projected"]) == ("PENDING", "false")
        async with addresses.running(run_projector):
            again = await patient.post(f"/flow_runs/{run_id}/set_state", json=RUNNING, headers=key)
            assert await states(patient, run_id) == ["PENDING", "RUNNING"]
            read = await hasty.get(f"/flow_runs/{run_id}")
            assert (read.json()["state_type"], "Antiphon-Projected" in read.headers) == ("RUNNING", False)
        assert (again.status_code, again.content) == (moved.status_code, moved.content)
        assert again.headers["Antiphon-Position"] == moved.headers["Antiphon-Position"]


async def test_what_is_not_found_while_the_projection_is_late_may_be_there(addresses: Addresses) -> None:
    async with addresses.running(run_policy), addresses.gateway(SHORT_SECONDS) as hasty:
        async with addresses.running(run_projector):
            await new_run(hasty)
        run_id = await new_run(hasty)
        read = await hasty.get(f"/flow_runs/{run_id}")
        assert (read.status_code, read.headers["Antiphon-Projected"]) == (503, "false")
        assert read.json() == {"exception_message": "Service Unavailable"}
        async with addresses.running(run_projector):
            read = await until_answer(lambda: hasty.get(f"/flow_runs/{run_id}"), 200)
            assert "Antiphon-Projected" not in read.headers
            assert (await hasty.get(f"/flow_runs/{uuid4()}")).status_code == 404


async def test_a_creation_that_cannot_be_read_yet_is_unavailable_and_safe_to_repeat(addresses: Addresses) -> None:
    async with addresses.running(run_policy), addresses.gateway() as patient, addresses.gateway(SHORT_SECONDS) as hasty:
        body, key = {"name": "flow"}, fresh_key()
        early = await hasty.post("/flows/", json=body, headers=key)
        assert (early.status_code, early.json()) == (503, {"exception_message": "Service Unavailable"})
        async with addresses.running(run_projector):
            created = await patient.post("/flows/", json=body, headers=key)
            assert created.status_code in {200, 201}
            assert (await patient.post("/flows/count", json={})).json() == 1


async def test_log_lines_that_cannot_be_read_yet_are_taken_with_a_mark(addresses: Addresses) -> None:
    line = {"name": "n", "level": 20, "message": "m", "timestamp": "2026-01-01T00:00:00Z"}
    async with addresses.gateway() as patient, addresses.gateway(SHORT_SECONDS) as hasty:
        taken = await hasty.post("/logs/", json=[line])
        assert (taken.status_code, taken.headers["Antiphon-Projected"]) == (201, "false")
        async with addresses.running(run_projector):
            seen = await patient.post("/logs/", json=[line])
            assert "Antiphon-Projected" not in seen.headers
            assert len((await hasty.post("/logs/filter", json={})).json()) == 2


async def test_parameters_made_of_former_ones_make_no_run(addresses: Addresses) -> None:
    async with addresses.running(run_policy), addresses.gateway() as patient, addresses.gateway(SHORT_SECONDS) as hasty:
        async with addresses.running(run_projector):
            flow = await patient.post("/flows/", json={"name": "flow"})
            standing = {"x": {"__prefect_kind": "json", "value": "1"}, "y": 1}
            body = {"name": "d", "flow_id": flow.json()["id"], "parameters": standing}
            deployment = await patient.post("/deployments/", json={**body, "parameter_openapi_schema": {}})
            path = f"/deployments/{deployment.json()['id']}"
            made = await patient.post(f"{path}/create_flow_run", json={"parameters": {"z": 1}})
            assert (made.status_code, made.json()["parameters"]) == (201, {"x": 1, "y": 1, "z": 1})
        # Nothing shows the change, so that parameters are made of what was there before.
        assert (await hasty.patch(path, json={"parameters": {"x": 2}})).status_code == 204
        refused = await hasty.post(f"{path}/create_flow_run", json={})
        assert refused.status_code == 409
        async with addresses.running(run_projector):
            made = await patient.post(f"{path}/create_flow_run", json={})
            assert (made.status_code, made.json()["parameters"]) == (201, {"x": 2})
            assert (await patient.post("/flow_runs/count", json={})).json() == 2
