"""Switches OpenTelemetry traces on; without them nothing of OpenTelemetry is imported."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from antiphon.services.runtime.traces import Traces

_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"

_log = structlog.get_logger(__name__)


@contextmanager
def traces_of(role: str) -> Iterator[Traces | None]:
    """The traces of a process, sent to OTEL_EXPORTER_OTLP_ENDPOINT until the block ends; None where that is not set."""
    if not os.environ.get(_ENDPOINT):
        yield None
        return
    if find_spec("opentelemetry.sdk") is None or find_spec("opentelemetry.exporter") is None:
        _log.warning("no traces: install antiphon[server,traces]", endpoint=os.environ[_ENDPOINT])
        yield None
        return
    # Imported only now, because of its time and memory.
    from antiphon.services.runtime import traces

    made = traces.exporting(role)
    try:
        yield made
    finally:
        made.close()
