"""A request's spans hang together, from its sender to the commit that shows it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final

import httpx
import pytest

from antiphon.services.gateway import main as gateway
from antiphon.services.policy import main as policy
from antiphon.services.projector import main as projector
from antiphon.services.runtime.settings import Settings
from tests.acceptance.server import free_port
from tests.integration import in_process
from tests.integration.collector import Collector, Sent, collecting
from tests.integration.gateway.house import DEADLINE_SECONDS, Addresses
from tests.integration.own.served import _until_up

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
SENDER: Final = "b7ad6b7169203331"
_SERVER: Final = 2


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Collect what the roles of this test send."""
    with collecting() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        yield found


@asynccontextmanager
async def house(addresses: Addresses) -> AsyncIterator[httpx.AsyncClient]:
    """Gateway, policy and projector."""
    await addresses.prepare()
    port = free_port()
    settings = Settings(nats_url=addresses.nats_url, postgres_url=addresses.postgres_url, api_port=port)
    async with (
        in_process.running(settings, policy.run, projector.run, gateway.run),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_SECONDS) as http,
    ):
        await _until_up(http)
        yield http


async def test_the_spans_of_a_request_hang_together(nats_url: str, postgres_url: str, collector: Collector) -> None:
    async with house(Addresses(nats_url, postgres_url)) as http:
        flow = (await http.post("/api/flows/", json={"name": "traced"})).json()["id"]
        run = (await http.post("/api/flow_runs/", json={"flow_id": flow, "state": {"type": "PENDING"}})).json()["id"]
        answer = await http.post(
            f"/api/flow_runs/{run}/set_state",
            json={"state": {"type": "RUNNING"}},
            headers={"traceparent": f"00-{TRACE}-{SENDER}-01"},
        )
        assert answer.json()["status"] == "ACCEPT"
        # A request whose sender names no trace is one of its own.
        (other,) = await collector.until(lambda span: span.name == "POST /api/flows/")
        assert (other.trace != TRACE, other.parent) == (True, "")
        await collector.until(lambda span: span.trace == TRACE, count=6)
    spans = {span.name: span for span in collector.spans if span.trace == TRACE}
    assert collector.paths == {"/v1/traces"}
    request, decide = spans["POST /api/flow_runs/{id}/set_state"], spans["decide flow_run.set_state"]
    assert (request.service, request.parent, request.kind) == ("antiphon-gateway", SENDER, _SERVER)
    assert request.attributes["http.response.status_code"] == 201
    assert (decide.service, decide.parent) == ("antiphon-policy", request.id)
    assert decide.attributes["antiphon.status"] == "ACCEPT"
    for name, service in (("wait", "policy"), ("decision", "policy"), ("append", "policy"), ("project", "projector")):
        assert (spans[name].service, spans[name].parent) == (f"antiphon-{service}", decide.id)
    order: list[Sent] = [spans[name] for name in ("wait", "decision", "append", "project")]
    assert [span.began for span in order] == sorted(span.began for span in order)
    assert decide.began <= spans["wait"].began
    assert spans["append"].ended <= decide.ended


def test_what_is_switched_off_is_not_even_imported() -> None:
    program = (
        "import sys, antiphon.services.gateway.main, antiphon.services.policy.main, antiphon.services.projector.main\n"
        "from antiphon.services.runtime.telemetry import traces_of\n"
        "with traces_of('policy') as traces: assert traces is None\n"
        "unwanted = {'opentelemetry.sdk', 'opentelemetry.exporter', 'antiphon.services.runtime.traces'}\n"
        "assert not unwanted & set(sys.modules)\n"
    )
    environment = {"PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)  # noqa: S603
