"""What a gateway tells of itself."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from tests.integration.gateway.house import DEADLINE_SECONDS, Addresses
from tests.integration.own.served import Served, serving
from tests.integration.own.test_stream import life, new_flow
from tests.servers import NatsServer


async def measured(served: Served) -> dict[str, float]:
    """Every sample by its name and labels."""
    answer = await served.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        sample.name + "".join(f"|{value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_a_gateway_is_alive_and_ready(served: Served) -> None:
    assert (await served.http.get("/livez")).json() == {"status": "ok"}
    ready = await served.http.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "checks": {"nats": "ok", "postgres": "ok"}})


async def test_decisions_are_counted_by_kind_and_status_and_timed(served: Served) -> None:
    await life(served, await new_flow(served, "measured"))
    # Who reads waits for the projection.
    assert (await served.http.post("/api/flow_runs/count", json={})).json() == 1
    found = await measured(served)
    assert found["antiphon_decisions_total|flow|CREATED"] == 1
    assert found["antiphon_decisions_total|flow_run|CREATED"] == 1
    assert found["antiphon_decisions_total|flow_run|ACCEPT"] == 2
    assert found["antiphon_decisions_total|flow_run|ABORT"] == 1
    assert found["antiphon_decision_seconds_count"] == 5
    assert 1 <= found["antiphon_projection_seconds_count"] <= 5
    assert found["antiphon_log_position"] == found["antiphon_projected_position"] == 6
    assert found["antiphon_archive_position"] == 6
    assert found["antiphon_projection_lag_events"] == found["antiphon_projection_lag_seconds"] == 0
    assert found["antiphon_parked_messages"] == found["antiphon_waiting_commands"] == 0
    assert found["antiphon_up|nats"] == found["antiphon_up|postgres"] == 1


async def test_lag_is_told_in_events_and_in_seconds(addresses: Addresses) -> None:
    async with serving(addresses) as served, addresses.running(run_policy):
        async with addresses.running(run_projector):
            await new_flow(served, "seen")
        # The answer waits for the projection, which is away.
        with pytest.raises(httpx.ReadTimeout):
            await served.http.post("/api/flows/", json={"name": "unseen"}, timeout=1)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (found := await measured(served))["antiphon_projection_lag_seconds"] <= 0.5:
                await asyncio.sleep(0.05)
        assert found["antiphon_projection_lag_events"] == 2


async def test_a_gateway_without_its_log_lives_and_is_not_ready(addresses: Addresses, nats_server: NatsServer) -> None:
    async with serving(addresses) as served:
        nats_server.kill()
        ready = await served.http.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["postgres"]) == (503, "ok")
        assert "the log does not answer" in ready.json()["checks"]["nats"]
        assert (await served.http.get("/livez")).status_code == 200
        found = await measured(served)
        assert (found["antiphon_up|nats"], found["antiphon_up|postgres"]) == (0, 1)
        nats_server.start()
