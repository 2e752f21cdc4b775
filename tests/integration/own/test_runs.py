"""What the log tells of a run: its history, and the run at every moment of it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.integration.own.served import OWN, Served
from tests.integration.own.test_stream import life, move, new_flow, new_run

COMPUTED = {"estimated_run_time", "estimated_start_time_delta", "work_pool_id", "work_pool_name"}


async def as_of(served: Served, run_id: str, when: Any, kind: str = "flow_run") -> Any:
    answer = await served.http.get(f"{OWN}/{kind}s/{run_id}", params={"as_of": when})
    assert answer.status_code in {200, 404}, answer.text
    return answer.json() if answer.status_code == 200 else None


async def test_a_history_tells_every_decision_in_order(served: Served) -> None:
    run_id = await life(served, await new_flow(served, "audited"))
    history = (await served.http.get(f"{OWN}/flow_runs/{run_id}/history")).json()
    assert [item["status"] for item in history] == [None, "ACCEPT", "ACCEPT", "ABORT"]
    refusal = history[-1]["data"]
    assert (refusal["proposed"]["type"], refusal["rule"]) == ("CANCELLING", "HandleFlowTerminalStateTransitions")
    assert refusal["reason"]
    assert len({item["command_id"] for item in history}) == 4
    start, end = history[1]["position"], history[3]["recorded_at"]
    part = await served.http.get(f"{OWN}/flow_runs/{run_id}/history", params={"from": start, "to": end, "limit": 2})
    assert part.json() == history[1:3]


async def test_a_deleted_run_keeps_its_history(served: Served) -> None:
    run_id = await life(served, await new_flow(served, "deleted"))
    await served.http.delete(f"/api/flow_runs/{run_id}")
    assert (await served.http.get(f"/api/flow_runs/{run_id}")).status_code == 404
    history = (await served.http.get(f"{OWN}/flow_runs/{run_id}/history")).json()
    assert history[-1]["type"] == "flow_run.deleted"
    before = await as_of(served, run_id, history[-1]["position"] - 1)
    assert before["flow_run"]["state_type"] == "COMPLETED"
    assert await as_of(served, run_id, history[-1]["position"]) is None


async def test_a_run_is_shown_as_of_any_position_and_any_time(served: Served) -> None:
    run_id = await new_run(served, await new_flow(served, "moved"))
    seen = []
    for kind in ("RUNNING", "PAUSED", "RUNNING", "COMPLETED"):
        await move(served, run_id, kind)
        now = (await served.http.get(f"/api/flow_runs/{run_id}")).json()
        states = (await served.http.get("/api/flow_run_states/", params={"flow_run_id": run_id})).json()
        seen.append(({name: value for name, value in now.items() if name not in COMPUTED}, states))
    history = (await served.http.get(f"{OWN}/flow_runs/{run_id}/history")).json()
    for entry, (run, states) in zip(history[1:], seen, strict=True):
        for moment in (entry["position"], entry["recorded_at"]):
            then = await as_of(served, run_id, moment)
            assert then["position"] == entry["position"]
            assert {name: value for name, value in then["flow_run"].items() if name in run} == run
            assert then["states"] == states
    assert (await served.http.get(f"{OWN}/flow_runs/{run_id}")).json()["states"] == seen[-1][1]


async def test_a_task_run_is_shown_as_of_any_position_until_it_goes_with_its_run(served: Served) -> None:
    run_id = await new_run(served, await new_flow(served, "with a task"))
    before = (await served.http.get(f"{OWN}/flow_runs/{run_id}/history")).json()[-1]["position"]
    body = {"flow_run_id": run_id, "task_key": "t", "dynamic_key": "0", "state": {"type": "PENDING"}}
    task_id = (await served.http.post("/api/task_runs/", json=body)).json()["id"]
    await move(served, run_id, "RUNNING")
    seen: dict[int, Any] = {}
    for kind in ("RUNNING", "COMPLETED"):
        await served.http.post(f"/api/task_runs/{task_id}/set_state", json={"state": {"type": kind}})
        now = (await served.http.get(f"/api/task_runs/{task_id}")).json()
        states = (await served.http.get("/api/task_run_states/", params={"task_run_id": task_id})).json()
        history = (await served.http.get(f"{OWN}/task_runs/{task_id}/history")).json()
        position = history[-1]["position"]
        seen[position] = {"position": position, "task_run": now, "states": states}
    await served.http.delete(f"/api/flow_runs/{run_id}")
    for position, expected in seen.items():
        then = await as_of(served, task_id, position, "task_run")
        expected["task_run"] = {name: value for name, value in expected["task_run"].items() if name not in COMPUTED}
        assert then | {"task_run": {name: then["task_run"][name] for name in expected["task_run"]}} == expected
    assert await as_of(served, task_id, before, "task_run") is None
    assert (await served.http.get(f"{OWN}/task_runs/{task_id}")).status_code == 404


async def test_what_was_not_there_is_a_problem(served: Served) -> None:
    for path in (
        f"flow_runs/{uuid4()}",
        f"flow_runs/{uuid4()}/history",
        f"task_runs/{uuid4()}",
        f"task_runs/{uuid4()}/history",
    ):
        answer = await served.http.get(f"{OWN}/{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
