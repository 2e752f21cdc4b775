"""A request that is repeated with its Idempotency-Key has one effect, and gets the recorded outcome."""

from __future__ import annotations

import asyncio

import pytest

from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from tests.integration.gateway.house import RUNNING, Addresses, fresh_key, new_run, states


async def test_a_transition_is_decided_once(addresses: Addresses) -> None:
    async with (
        addresses.running(run_policy, run_projector),
        addresses.gateway() as one,
        addresses.gateway() as other,
    ):
        run_id, key = await new_run(one), fresh_key()
        path = f"/flow_runs/{run_id}/set_state"
        answers = await asyncio.gather(
            *(caller.post(path, json=RUNNING, headers=key) for caller in (one, other, one, other))
        )
        # Later states do not change what was recorded.
        await one.post(path, json={"state": {"type": "COMPLETED"}})
        answers.append(await other.post(path, json=RUNNING, headers=key))
        assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
        assert await states(one, run_id) == ["PENDING", "RUNNING", "COMPLETED"]


async def test_a_decision_outlives_the_policy_that_made_it(addresses: Addresses) -> None:
    async with addresses.running(run_projector), addresses.gateway() as caller:
        async with addresses.running(run_policy):
            run_id, key = await new_run(caller), fresh_key()
            first = await caller.post(f"/flow_runs/{run_id}/set_state", json=RUNNING, headers=key)
        async with addresses.running(run_policy):
            again = await caller.post(f"/flow_runs/{run_id}/set_state", json=RUNNING, headers=key)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert await states(caller, run_id) == ["PENDING", "RUNNING"]


@pytest.mark.parametrize("kind", ["flow_runs", "task_runs"])
async def test_a_run_is_created_once(addresses: Addresses, kind: str) -> None:
    async with addresses.running(run_policy, run_projector), addresses.gateway() as caller:
        flow = (await caller.post("/flows/", json={"name": "flow"})).json()
        key = fresh_key()
        body = {"flow_id": flow["id"]} if kind == "flow_runs" else {"task_key": "k", "dynamic_key": "0"}
        first, again = [await caller.post(f"/{kind}/", json=body, headers=key) for _ in range(2)]
        assert first.status_code == 201
        assert again.json()["id"] == first.json()["id"]
        assert (await caller.post(f"/{kind}/count", json={})).json() == 1


async def test_another_request_with_a_used_key_is_refused(addresses: Addresses) -> None:
    async with addresses.running(run_policy, run_projector), addresses.gateway() as caller:
        run_id, key = await new_run(caller), fresh_key()
        path = f"/flow_runs/{run_id}/set_state"
        first = await caller.post(path, json=RUNNING, headers=key)
        other = await caller.post(path, json={"state": {"type": "COMPLETED"}}, headers=key)
        assert other.status_code == 400
        assert "has been used for another command" in other.json()["detail"]
        assert (await caller.post(path, json=RUNNING, headers=key)).content == first.content
        assert await states(caller, run_id) == ["PENDING", "RUNNING"]


async def test_artifacts_are_created_changed_and_deleted_once(addresses: Addresses) -> None:
    async with addresses.running(run_policy, run_projector), addresses.gateway() as caller:
        run_id, created = await new_run(caller), fresh_key()
        data = {"state": {"type": "RUNNING", "data": {"artifact_key": "key"}}}
        await caller.post(f"/flow_runs/{run_id}/set_state", json=data)
        of_state = (await caller.post("/artifacts/latest/filter", json={})).json()[0]["latest_id"]
        made = [await caller.post("/artifacts/", json={"key": "key", "data": 1}, headers=created) for _ in range(2)]
        assert made[0].json() == made[1].json()
        assert (await caller.post("/artifacts/count", json={})).json() == 2
        # The log knows that of a state by its run.
        for artifact_id in (of_state, made[0].json()["id"]):
            path, changed, deleted = f"/artifacts/{artifact_id}", fresh_key(), fresh_key()
            answers = [await caller.patch(path, json={"data": 2}, headers=changed) for _ in range(2)]
            answers += [await caller.delete(path, headers=deleted) for _ in range(2)]
            assert {answer.status_code for answer in answers} == {204}
            assert len({answer.headers["Antiphon-Position"] for answer in answers}) == 2
        assert (await caller.post("/artifacts/count", json={})).json() == 0


async def test_requests_without_a_key_are_requests_of_their_own(addresses: Addresses) -> None:
    async with addresses.running(run_policy, run_projector), addresses.gateway() as caller:
        await new_run(caller)
        await new_run(caller)
        assert (await caller.post("/flow_runs/count", json={})).json() == 2


async def test_the_idempotency_key_of_a_run_finds_it_again(addresses: Addresses) -> None:
    async with addresses.running(run_policy, run_projector), addresses.gateway() as caller:
        found = {await new_run(caller, idempotency_key="k") for _ in range(2)}
        assert len(found) == 1
