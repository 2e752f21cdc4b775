"""A collector of OpenTelemetry traces on loopback: what exporters send is decoded, and kept."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

DEADLINE_SECONDS = 60


@dataclass(frozen=True)
class Sent:
    """A span as it came over the wire."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    kind: int
    began: int
    ended: int
    links: tuple[str, ...]
    attributes: dict[str, Any]


class Collector:
    """Everything that was sent so far."""

    def __init__(self) -> None:
        self.spans: list[Sent] = []
        self.paths: set[str] = set()
        self.url = ""

    def take(self, path: str, body: bytes) -> None:
        self.paths.add(path)
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {item.key: item.value.string_value for item in group.resource.attributes}
            self.spans += [
                Sent(
                    service=about["service.name"],
                    name=span.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    kind=span.kind,
                    began=span.start_time_unix_nano,
                    ended=span.end_time_unix_nano,
                    links=tuple(link.span_id.hex() for link in span.links),
                    attributes={item.key: _value(item.value) for item in span.attributes},
                )
                for scope in group.scope_spans
                for span in scope.spans
            ]

    async def until(self, wanted: Callable[[Sent], bool], count: int = 1) -> list[Sent]:
        """So many spans, once they are here."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(found := [span for span in list(self.spans) if wanted(span)]) < count:
                await asyncio.sleep(0.02)
        return found


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector on a port of its own."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.take(self.path, gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
