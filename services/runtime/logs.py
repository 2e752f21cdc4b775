"""How a process logs: structlog and the standard library alike, to stderr, as JSON or for a terminal."""

from __future__ import annotations

import logging
import sys
from typing import Final

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from antiphon.services.runtime.settings import LogFormat, LogLevel

#: They log every request; only their warnings matter here.
_CHATTY: Final = ("uvicorn.access", "httpx")


def configure(process: str, level: LogLevel, form: LogFormat) -> None:
    """Send all log entries of this process, also those of libraries, to stderr."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(process),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendered(form)],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(capture=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _named(process: str) -> Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    return add


def _rendered(form: LogFormat) -> list[Processor]:
    if form == "text" or (form == "auto" and sys.stderr.isatty()):
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_json)]


def _json(value: object, default: object = None, **_options: object) -> str:
    return orjson.dumps(value, default=default).decode()  # type: ignore[arg-type]
