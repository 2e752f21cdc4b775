"""What several commands share is one span that links to each, and each of them links to it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from uuid import UUID, uuid4

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from antiphon.events import subjects
from antiphon.events.document.commands import CreateFlow
from antiphon.events.log.memory import MemoryLog
from antiphon.events.outcome import Status
from antiphon.services.policy.service import handler
from antiphon.services.policy.service.tracing import Arrivals, TracedHandler
from antiphon.services.runtime.clock import ManualClock
from antiphon.services.runtime.traces import Traces
from tests.examples import NOW
from tests.letters import Desk, Question, question
from tests.log import read_all

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NOT_SAMPLED = "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-00"


@pytest.fixture
def exported() -> InMemorySpanExporter:
    """Nothing is told of yet."""
    return InMemorySpanExporter()


@pytest.fixture
def desk(exported: InMemorySpanExporter) -> Desk:
    """A desk that tells of its work."""
    traces = Traces("policy", SimpleSpanProcessor(exported))
    return Desk(MemoryLog(ManualClock(NOW)), made=partial(TracedHandler, traces=traces, arrivals=Arrivals()))


def create(number: int, traceparent: str | None = None) -> Question:
    asked = question(UUID(int=number), CreateFlow(data={"name": f"flow {number}"}), uuid4())
    headers = {subjects.TRACEPARENT: traceparent} if traceparent else {}
    return replace(asked, headers={**(asked.headers or {}), **headers})


async def test_a_group_is_one_span_beside_those_of_its_commands(
    desk: Desk, exported: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "_FEW", 1)
    outcomes = await desk.handle(create(1), create(2), create(3))
    assert [outcome.status for outcome in outcomes] == [Status.CREATED] * 3
    spans = exported.get_finished_spans()
    decides = {span.context.span_id for span in spans if span.name == "decide flow.create" and span.context}
    assert len(decides) == 3
    appends = [span for span in spans if span.name == "append"]
    (whole,) = [span for span in appends if span.parent is None]
    assert {link.context.span_id for link in whole.links} == decides
    shares = [span for span in appends if span.parent is not None]
    assert {span.parent.span_id for span in shares if span.parent} == decides
    assert {link.context.span_id for span in shares for link in span.links} == {whole.context.span_id}
    assert whole.attributes is not None
    assert whole.attributes["antiphon.commands"] == 3


async def test_events_carry_the_trace_on(desk: Desk, exported: InMemorySpanExporter) -> None:
    await desk.handle(create(1, SAMPLED))
    (span,) = [span for span in exported.get_finished_spans() if span.name == "decide flow.create"]
    assert span.context is not None
    (recorded,) = await read_all(desk.log, subjects.Aggregate("flow", str(UUID(int=1))))
    assert recorded.metadata.traceparent == f"00-{SAMPLED.split('-')[1]}-{span.context.span_id:016x}-01"


async def test_what_its_sender_did_not_sample_is_not_told(desk: Desk, exported: InMemorySpanExporter) -> None:
    (outcome,) = await desk.handle(create(1, NOT_SAMPLED))
    assert (outcome.status, exported.get_finished_spans()) == (Status.CREATED, ())


async def test_a_broken_traceparent_begins_a_trace(desk: Desk, exported: InMemorySpanExporter) -> None:
    (outcome,) = await desk.handle(create(1, "nonsense"))
    assert outcome.status is Status.CREATED
    assert [span.parent for span in exported.get_finished_spans() if span.name == "decide flow.create"] == [None]


async def test_a_letter_that_cannot_be_read_is_parked_as_ever(desk: Desk, exported: InMemorySpanExporter) -> None:
    await desk.work([replace(create(1), data=b"nonsense")])
    assert (len(desk.parked), exported.get_finished_spans()) == (1, ())
