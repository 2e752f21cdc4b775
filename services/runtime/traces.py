"""Spans of a process, in the traces that `traceparent` headers (W3C Trace Context) carry from one to the next."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version as installed_version
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

Attributes = Mapping[str, str | int]

_TRACEPARENT: Final = "traceparent"
#: A collector that does not answer must not delay the end of a process.
_EXPORT_SECONDS: Final = 2.0
#: Not the current context: the message names its trace, and one task handles many messages.
_NOWHERE: Final = Context()

_w3c = TraceContextTextMapPropagator()


class Traces:
    """Makes the spans of one process. The usual OTEL_* variables control sampling and sending."""

    def __init__(self, role: str, processor: SpanProcessor) -> None:
        self._provider = TracerProvider(resource=_resource(role), shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("antiphon", installed_version("antiphon"))

    def begin(
        self,
        name: str,
        parent: str | None,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        started: int | None = None,
        attributes: Attributes | None = None,
        links: Iterable[Link] = (),
    ) -> Span:
        """Begin a child of the span that a `traceparent` names, or a new trace; the caller ends it.

        `started` is in nanoseconds since 1970; absent: now.
        """
        return self._tracer.start_span(
            name, _context_of(parent), kind=kind, attributes=attributes, links=list(links), start_time=started
        )

    @contextmanager
    def within(self, parent: str | None, name: str) -> Iterator[None]:
        """A child of the span that a `traceparent` names, until the block ends."""
        with _ending(self.begin(name, parent)):
            yield

    @contextmanager
    def together(self, name: str, parents: Iterable[str], attributes: Attributes | None = None) -> Iterator[None]:
        """Work for several traces at once, until the block ends.

        Each trace gets a span. If there are several, these spans link to a further span in a new trace, which links to
        all parents.
        """
        different = list(dict.fromkeys(parents))
        whole: list[Span] = []
        if len(different) > 1:
            links = [_link(get_current_span(_context_of(parent))) for parent in different]
            whole = [self.begin(name, None, attributes=attributes, links=links)]
        links = [_link(span) for span in whole]
        with _ending(*whole, *(self.begin(name, parent, attributes=attributes, links=links) for parent in different)):
            yield

    def close(self) -> None:
        """Send the remaining spans."""
        self._provider.shutdown()


def _resource(role: str) -> Resource:
    return Resource.create(
        {
            "service.namespace": "antiphon",
            "service.name": f"antiphon-{role}",
            "service.version": installed_version("antiphon"),
            "service.instance.id": f"{platform.node()}:{os.getpid()}",
        }
    )


def _link(span: Span) -> Link:
    return Link(span.get_span_context())


@contextmanager
def _ending(*spans: Span) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        for span in spans:
            span.record_exception(error)
            span.set_status(StatusCode.ERROR)
        raise
    finally:
        for span in spans:
            span.end()


def exporting(role: str) -> Traces:
    """Traces for the collector that the environment names, sent by OTLP over HTTP."""
    return Traces(role, BatchSpanProcessor(OTLPSpanExporter(timeout=_EXPORT_SECONDS)))


def traceparent_of(span: Span) -> str:
    """The `traceparent` header that names a span."""
    carrier: dict[str, str] = {}
    _w3c.inject(carrier, set_span_in_context(span, _NOWHERE))
    return carrier[_TRACEPARENT]


def _context_of(traceparent: str | None) -> Context:
    return _NOWHERE if traceparent is None else _w3c.extract({_TRACEPARENT: traceparent}, _NOWHERE)
