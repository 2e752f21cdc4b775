"""Lists, counts and histories as of a position are the answers that were given there."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import nats
import pytest

from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.projections.rebuild.rebuild import Rebuild
from antiphon.services.cli import handover
from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from tests.integration.gateway.house import Addresses
from tests.integration.own.served import OWN, Served, serving
from tests.integration.own.test_stream import move, new_flow, new_run

#: What grows with the clock.
_GROWING: Final = {
    "estimated_run_time",
    "estimated_start_time_delta",
    "sum_estimated_run_time",
    "sum_estimated_lateness",
}


def still(value: Any) -> Any:
    """An answer without what grows with the clock."""
    if isinstance(value, dict):
        return {name: still(item) for name, item in value.items() if name not in _GROWING}
    return [still(item) for item in value] if isinstance(value, list) else value


def questions(now: datetime) -> list[tuple[str, dict[str, Any]]]:
    window = {
        "history_start": (now - timedelta(hours=1)).isoformat(),
        "history_end": (now + timedelta(hours=1)).isoformat(),
        "history_interval_seconds": 600,
    }
    running = {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}
    return [
        *[(f"{kind}s/{what}", {}) for kind in ("flow_run", "task_run") for what in ("filter", "count", "paginate")],
        *[(f"{kind}s/history", window) for kind in ("flow_run", "task_run")],
        ("flow_runs/filter", {**running, "sort": "NAME_ASC", "limit": 2}),
        ("flow_runs/count", running),
        ("task_runs/filter", running),
        ("flows/filter", {}),
    ]


async def answers(served: Served, asked: list[tuple[str, dict[str, Any]]], **query: Any) -> list[Any]:
    found = []
    for path, body in asked:
        answer = await served.http.post(f"/api/{path}", json=body, params=query)
        assert answer.status_code == 200, answer.text
        found.append(still(answer.json()))
    return found


async def position(served: Served) -> int:
    samples = (await served.http.get("/metrics")).text.splitlines()
    return next(int(float(line.split()[1])) for line in samples if line.startswith("antiphon_log_position "))


async def test_as_of_a_position_is_the_answer_that_was_given_there(served: Served) -> None:
    asked = questions(datetime.now(UTC))
    flow = await new_flow(served, "then")
    first, second = [await new_run(served, flow) for _ in range(2)]
    seen: dict[int, list[Any]] = {}

    async def look() -> None:
        seen[await position(served)] = await answers(served, asked)

    await look()
    for run, kind in ((first, "RUNNING"), (second, "RUNNING"), (first, "PAUSED"), (first, "RUNNING")):
        await move(served, run, kind)
        await look()
    task = {"id": str(uuid4()), "flow_run_id": first, "task_key": "t", "dynamic_key": "0", "state": {"type": "RUNNING"}}
    assert (await served.http.post("/api/task_runs/", json=task)).status_code == 201
    await look()
    await served.http.patch(f"/api/flow_runs/{second}", json={"name": "renamed", "tags": ["x"]})
    await look()
    await move(served, first, "COMPLETED")
    await look()
    await served.http.delete(f"/api/flow_runs/{second}")
    await look()
    positions = [*seen, *seen]
    random.Random(7).shuffle(positions)  # noqa: S311  back and forth, the same in every run
    for place in positions:
        assert await answers(served, asked, as_of=place) == seen[place], place
    last = max(seen)
    everybody = await asyncio.gather(*(answers(served, asked, as_of=place) for place in (last, min(seen), last)))
    assert everybody == [seen[last], seen[min(seen)], seen[last]]


async def test_a_rebuild_between_two_questions_changes_no_answer(addresses: Addresses) -> None:
    async with addresses.running(run_policy, run_projector), serving(addresses) as served:
        asked = questions(datetime.now(UTC))
        run = await new_run(served, await new_flow(served, "rebuilt"))
        first = await position(served)
        seen = await answers(served, asked)
        assert await answers(served, asked, as_of=first) == seen
        connection = await nats.connect(addresses.nats_url)
        try:
            await Rebuild(
                JetStreamLog(connection), addresses.postgres_url, request_handover=handover.request_handover(connection)
            ).run()
        finally:
            await connection.close()
        await move(served, run, "RUNNING")
        # What was kept for the first question would be gone on with.
        later = await position(served)
        assert await answers(served, asked, as_of=later) == await answers(served, asked)
        assert (await served.http.get(f"{OWN}/flow_runs/{run}", params={"as_of": later})).status_code == 200
        assert await answers(served, asked, as_of=first) == seen


async def test_as_of_a_time_is_as_of_the_last_event_by_then(served: Served) -> None:
    run = await new_run(served, await new_flow(served, "timed"))
    await move(served, run, "RUNNING")
    history = (await served.http.get(f"/antiphon/v1/flow_runs/{run}/history")).json()
    last = history[-1]["recorded_at"]
    before = datetime.fromisoformat(last) - timedelta(microseconds=1)
    for moment, states in ((last, ["RUNNING"]), (before.isoformat(), ["PENDING"]), ("2020-01-01T00:00:00Z", [])):
        answer = await served.http.post("/api/flow_runs/filter", json={}, params={"as_of": moment})
        assert [item["state_type"] for item in answer.json()] == states
    # How long it had been running by then.
    await asyncio.sleep(0.3)
    later = datetime.fromisoformat(last) + timedelta(seconds=0.2)
    (found,) = (await served.http.post("/api/flow_runs/filter", json={}, params={"as_of": later.isoformat()})).json()
    since = (later - datetime.fromisoformat(found["state"]["timestamp"])).total_seconds()
    assert found["estimated_run_time"] == pytest.approx(since)


async def test_what_is_no_place_in_the_log_is_refused_in_prefects_shape(served: Served) -> None:
    await new_flow(served, "short")
    for as_of, why in (
        ("nonsense", "neither a position nor a time"),
        ("0", "positions"),
        ("999", "the log ends at"),
        ("2999-01-01", "in the future"),
    ):
        answer = await served.http.post("/api/flow_runs/count", json={}, params={"as_of": as_of})
        assert (answer.status_code, why in answer.json()["detail"]) == (422, True), answer.text
    answer = await served.http.post("/api/logs/filter", json={}, params={"as_of": "1"})
    assert (answer.status_code, "have no past" in answer.json()["detail"]) == (422, True)


async def test_what_would_cost_too_much_is_refused(addresses: Addresses) -> None:
    async with addresses.running(run_policy, run_projector), serving(addresses, most_as_of_events=3) as served:
        flow = await new_flow(served, "long")
        for _ in range(2):
            await new_run(served, flow)
        answer = await served.http.post("/api/flow_runs/count", json={}, params={"as_of": await position(served)})
        assert (answer.status_code, "at most 3 are" in answer.json()["detail"]) == (413, True), answer.text
        assert (await served.http.post("/api/flows/count", json={}, params={"as_of": 3})).json() == 1


async def test_a_long_log_costs_what_happened_since_a_keyframe(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon.projections.as_of.keyframes.KEYFRAME_EVENTS", 3)
    async with addresses.running(run_policy, run_projector), serving(addresses, most_as_of_events=12) as served:
        asked, seen = questions(datetime.now(UTC)), {}
        flow = await new_flow(served, "long")
        runs = [await new_run(served, flow) for _ in range(3)]
        for run, kind in [(run, kind) for kind in ("RUNNING", "PAUSED", "RUNNING", "COMPLETED") for run in runs]:
            await move(served, run, kind)
            # Whoever reads waits for the projector: a keyframe is not far.
            seen[await position(served)] = await answers(served, asked)
        await served.http.delete(f"/api/flows/{flow}")
        seen[await position(served)] = await answers(served, asked)
        assert max(seen) > 15
        for place in random.Random(8).sample(sorted(seen), 6):  # noqa: S311  the same in every run
            assert await answers(served, asked, as_of=place) == seen[place], place


async def test_what_is_not_there_in_time_is_unavailable_and_spoils_nothing(addresses: Addresses) -> None:
    path = "/flow_runs/count?as_of=2020-01-01T00:00:00Z"
    async with addresses.gateway(deadline_seconds=0) as hurried:
        for _ in range(2):
            answer = await hurried.post(path, json={})
            assert (answer.status_code, answer.json()) == (503, {"exception_message": "Service Unavailable"})
    async with addresses.gateway() as patient:
        assert (await patient.post(path, json={})).json() == 0
