"""Bytes to messages and back, by a registry of (type, schema version)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

import orjson
from pydantic import ValidationError

from antiphon.events import subjects, upcast
from antiphon.events.document import commands as document_commands
from antiphon.events.document import events as document_events
from antiphon.events.errors import UndecodableError
from antiphon.events.flow_run import commands as flow_run_commands
from antiphon.events.flow_run import events as flow_run_events
from antiphon.events.json_bytes import without_nul
from antiphon.events.limit import commands as limit_commands
from antiphon.events.limit import events as limit_events
from antiphon.events.message import Command, Event, Metadata, with_zone
from antiphon.events.name import events as name_events
from antiphon.events.outcome import Outcome
from antiphon.events.refusal import refusal_of
from antiphon.events.subjects import Aggregate
from antiphon.events.task_cache import events as task_cache_events
from antiphon.events.task_run import commands as task_run_commands
from antiphon.events.task_run import events as task_run_events
from antiphon.events.work_pool import commands as work_pool_commands
from antiphon.events.work_pool import events as work_pool_events

#: The modules that declare commands and events.
_MODULES: Final = (
    *(flow_run_commands, task_run_commands, document_commands, limit_commands, work_pool_commands),
    *(flow_run_events, task_run_events, document_events, task_cache_events, limit_events, name_events),
    work_pool_events,
)

M = TypeVar("M", bound=Command | Event)


def _declared(base: type[M], name: str) -> list[type[M]]:
    """The subclasses of `base` that have this class variable; those without it are abstract."""
    found = (item for module in _MODULES for item in vars(module).values())
    return [item for item in found if isinstance(item, type) and issubclass(item, base) and hasattr(item, name)]


COMMAND_TYPES: Final = {(command.KIND, command.VERB): command for command in _declared(Command, "KIND")}
#: With the refusals of each kind's commands.
EVENT_TYPES: Final = {event.TYPE: event for event in _declared(Event, "TYPE")} | {
    refusal.TYPE: refusal for refusal in map(refusal_of, sorted({kind for kind, _ in COMMAND_TYPES}))
}

#: The validator behind each type's `model_validate_json`, without the overhead of that method.
_FROM_JSON: Final[dict[str, Callable[[bytes], Event]]] = {
    name: event_type.__pydantic_validator__.validate_json for name, event_type in EVENT_TYPES.items()
}


def encode(message: Command | Event) -> bytes:
    """The JSON body of a message, with set fields only, so that absent fields keep their defaults."""
    # `model_dump_json` would decode this to text.
    return message.__pydantic_serializer__.to_json(message, exclude_unset=True)


def decode_command(aggregate: Aggregate, verb: str, data: bytes) -> Command:
    """Raises UndecodableError for an unknown kind or verb, or a body that does not fit it."""
    command_type = COMMAND_TYPES.get((aggregate.kind, verb))
    if command_type is None:
        msg = f"there is no command {verb!r} for {aggregate.kind!r}"
        raise UndecodableError(msg)
    try:
        command: Command = command_type.__pydantic_validator__.validate_json(without_nul(data))
    except ValidationError as error:
        msg = f"the body is not a {command_type.__name__}: {_explained(error)}"
        raise UndecodableError(msg) from error
    return command


def decode_event(aggregate: Aggregate, action: str, version: int, data: bytes) -> Event:
    """Raises UndecodableError for an unknown type or version, or a body that does not fit it."""
    name = f"{aggregate.kind}.{action}"
    event_type = EVENT_TYPES.get(name)
    if event_type is None:
        msg = f"there is no event type {name!r}"
        raise UndecodableError(msg)
    try:
        if version == event_type.VERSION:
            return _FROM_JSON[name](data)
        payload = upcast.to_current(name, version, event_type.VERSION, orjson.loads(data))
        return event_type.model_validate(payload)
    except (ValidationError, orjson.JSONDecodeError) as error:
        msg = f"the body is not a {name} of version {version}: {error}"
        raise UndecodableError(msg) from error


def encode_reply(outcome: Outcome, events: Sequence[Event]) -> bytes:
    """The reply to a request with events: the outcome as a line of JSON, and a line of type and JSON for each event."""
    lines = [outcome.__pydantic_serializer__.to_json(outcome, exclude_unset=True)]
    lines += [b"%b %b" % (event.TYPE.encode(), encode(event)) for event in events]
    return b"\n".join(lines)


def decode_reply(data: bytes) -> tuple[Outcome, tuple[Event, ...]]:
    """The outcome and its events; no events if one has a type or shape that this version does not know."""
    first, *lines = data.split(b"\n")
    outcome: Outcome = Outcome.__pydantic_validator__.validate_json(first)
    try:
        return outcome, tuple(_event_in(line) for line in lines)
    except UndecodableError:
        return outcome, ()


def _event_in(line: bytes) -> Event:
    name, _, body = line.partition(b" ")
    kind, _, action = name.decode().partition(".")
    event_type = EVENT_TYPES.get(f"{kind}.{action}")
    return decode_event(Aggregate(kind, ""), action, event_type.VERSION if event_type else 1, body)


def _explained(error: ValidationError) -> str:
    problems = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_url=False))
    return "; ".join(problems)


def command_headers(metadata: Metadata) -> dict[str, str]:
    """The headers of a command.

    `Nats-Msg-Id` is not among them: JetStream would drop another command with the same id, and nobody would be told.
    """
    headers = {
        subjects.COMMAND_ID: str(metadata.command_id),
        subjects.OCCURRED_AT: metadata.occurred_at.isoformat(),
    }
    _add_optional(headers, metadata)
    return headers


def event_headers(aggregate: Aggregate, event: Event, metadata: Metadata, index: int) -> dict[str, str]:
    """CloudEvents in binary mode, and the origin of the event.

    `index` counts the events of one command: `ce-id` is unique, and a retry produces the same one.
    """
    command_id = str(metadata.command_id)
    headers = {
        "ce-specversion": "1.0",
        "ce-id": f"{command_id}.{index}",
        "ce-type": event.TYPE,
        "ce-source": f"/antiphon/{aggregate.kind}/{aggregate.id}",
        "ce-time": metadata.occurred_at.isoformat(),
        subjects.SCHEMA_VERSION: str(event.VERSION),
        subjects.COMMAND_ID: command_id,
    }
    _add_optional(headers, metadata)
    return headers


def _add_optional(headers: dict[str, str], metadata: Metadata) -> None:
    if metadata.correlation_id is not None:
        headers[subjects.CORRELATION_ID] = str(metadata.correlation_id)
    if metadata.causation_id is not None:
        headers[subjects.CAUSATION_ID] = _one_line(metadata.causation_id)
    if metadata.actor is not None:
        headers[subjects.ACTOR] = _one_line(metadata.actor)
    if metadata.traceparent is not None:
        headers[subjects.TRACEPARENT] = _one_line(metadata.traceparent)
    if metadata.command_digest is not None:
        headers[subjects.COMMAND_DIGEST] = _one_line(metadata.command_digest)


def _one_line(text: str) -> str:
    """Senders' text must not end a header and begin another."""
    return " ".join(text.split())


def metadata_of(headers: Mapping[str, str], occurred_at: str | None) -> Metadata:
    """The metadata in a message's headers; raises UndecodableError where one does not parse."""
    correlation = headers.get(subjects.CORRELATION_ID)
    try:
        return Metadata(
            command_id=UUID(headers[subjects.COMMAND_ID]),
            occurred_at=_timestamp(occurred_at),
            correlation_id=None if correlation is None else UUID(correlation),
            causation_id=headers.get(subjects.CAUSATION_ID),
            actor=headers.get(subjects.ACTOR),
            traceparent=headers.get(subjects.TRACEPARENT),
            command_digest=headers.get(subjects.COMMAND_DIGEST),
        )
    except KeyError as error:
        msg = f"the header {error.args[0]} is missing"
        raise UndecodableError(msg) from error
    except ValueError as error:
        msg = f"a header does not parse: {error}"
        raise UndecodableError(msg) from error


def _timestamp(text: str | None) -> datetime:
    if text is None:
        msg = "the time of occurrence is missing"
        raise ValueError(msg)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        msg = f"the time {text} has no zone"
        raise ValueError(msg)
    return with_zone(moment)
