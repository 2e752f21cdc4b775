"""The AsyncAPI document: the commands that Antiphon takes on NATS, and the events that it publishes.

FastStream writes it from the registry of types that also decodes the messages (events/codec.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from importlib.metadata import version
from typing import Any, Final
from uuid import UUID

from faststream.nats import NatsBroker
from faststream.specification import AsyncAPI
from faststream.specification.base.specification import Specification
from pydantic import BaseModel, Field

from antiphon.events import subjects
from antiphon.events.codec import COMMAND_TYPES, EVENT_TYPES
from antiphon.events.outcome import Outcome
from antiphon.events.projection_messages import PROJECTION_MESSAGES
from antiphon.projections.presence.projection import Presence
from antiphon.services.gateway.docs_pages import schemas
from antiphon.services.gateway.schemas.events import ReportedEvent
from antiphon.services.gateway.schemas.logs import LogLine

_OUTCOME: Final = "outcome"
#: The observations by the kinds in their subjects.
_OBSERVATIONS: Final[dict[str, tuple[str, Any]]] = {
    "flow_run": ("What a client or the server has seen of a flow run: Prefect's event.", ReportedEvent),
    "task_run": ("What a client or the server has seen of a task run: Prefect's event.", ReportedEvent),
    "other": ("What a client or the server has seen of anything else: Prefect's event.", ReportedEvent),
    "log": ("Log lines of a flow run, or of `none`.", list[LogLine]),
    "presence": ("That a worker is there, or that a client asks for runs.", Presence),
}
_PARAMETERS: Final = {
    "id": "What it is about: letters, digits, `_` and `-`, at most 128; of most kinds a UUID.",
    "projection": "The name of a projection, such as `events`.",
    "inbox": "A subject of the sender's own.",
}
_DESCRIPTION: Final = (
    "Commands are published on `cmd.>` (the stream COMMANDS; its confirmation means that the command will be decided),"
    " or sent as a request on the same subject with `ask.` instead of `cmd.`, which is answered with the outcome."
    " Events are the log, the stream EVENTS on `evt.>`. Observations are what clients report, the stream OBSERVED on"
    " `obs.>`; nobody decides them. Bodies are JSON, metadata is in headers. Readers ignore unknown fields."
)


class CommandHeaders(BaseModel):
    """The headers of a command; it needs none."""

    command_id: UUID | None = Field(
        None,
        alias=subjects.COMMAND_ID,
        description="Its own id; repeated, it gets the recorded outcome, and with another body it is INVALID."
        " Without it the id follows from Nats-Msg-Id,"
        " else from the message's place in the stream COMMANDS.",
    )
    occurred_at: datetime | None = Field(
        None, alias=subjects.OCCURRED_AT, description="When it was given, with a zone; without it, when it was stored."
    )
    message_id: str | None = Field(
        None, alias=subjects.MESSAGE_ID, description="Any text: JetStream drops quick repetitions."
    )
    if_position: str | None = Field(
        None,
        alias=subjects.IF_POSITION,
        pattern="^[0-9]+$",
        description="The position of the aggregate's last event, refusals apart, that the sender has seen, 0 for none:"
        " if there is a later one, the outcome is CONFLICT.",
    )
    reply_to: str | None = Field(None, alias=subjects.REPLY_TO, description="The inbox that the outcome is sent to.")
    with_events: str | None = Field(
        None,
        alias=subjects.WITH_EVENTS,
        description="With any value: behind the outcome, a line of JSON, the reply has a line for each event of the"
        " aggregate that the command led to: its type, a space, its body.",
    )
    correlation_id: UUID | None = Field(None, alias=subjects.CORRELATION_ID, description="What started it all.")
    causation_id: str | None = Field(None, alias=subjects.CAUSATION_ID, description="What caused it.")
    actor: str | None = Field(None, alias=subjects.ACTOR, description="Who gives it.")
    traceparent: str | None = Field(None, alias=subjects.TRACEPARENT, description="W3C Trace Context.")
    command_digest: str | None = Field(
        None,
        alias=subjects.COMMAND_DIGEST,
        description="Of what the sender was asked for, if a repetition may have another body; else it is the body's.",
    )


class EventHeaders(BaseModel):
    """The headers of an event: CloudEvents in binary mode, and its origin."""

    ce_specversion: str = Field(alias="ce-specversion", description="1.0")
    ce_id: str = Field(alias="ce-id", description="The command's id, a dot, and which of its events this is.")
    ce_type: str = Field(alias="ce-type", description="The stored name, `<kind>.<action>`.")
    ce_source: str = Field(alias="ce-source", description="/antiphon/<kind>/<id>")
    ce_time: datetime = Field(alias="ce-time", description="When the command was given.")
    schema_version: str = Field(
        alias=subjects.SCHEMA_VERSION, pattern="^[0-9]+$", description="The version of the body's schema."
    )
    command_id: UUID = Field(alias=subjects.COMMAND_ID, description="The id of the command that led to it.")
    correlation_id: UUID | None = Field(None, alias=subjects.CORRELATION_ID, description="As in the command.")
    causation_id: str | None = Field(None, alias=subjects.CAUSATION_ID, description="As in the command.")
    actor: str | None = Field(None, alias=subjects.ACTOR, description="As in the command.")
    traceparent: str | None = Field(None, alias=subjects.TRACEPARENT, description="As in the command.")
    command_digest: str | None = Field(
        None, alias=subjects.COMMAND_DIGEST, description="As in the command, else that of its verb and body."
    )


def specification(host: str = "localhost:4222") -> Specification:
    """The document of this version, with the host and port of a NATS server."""
    # The broker is described, never connected.
    broker = NatsBroker(f"nats://{host}")
    for (kind, verb), command in COMMAND_TYPES.items():
        for way in ("cmd", "ask"):
            title = f"{kind}.{verb}" if way == "cmd" else f"ask.{kind}.{verb}"
            subject = f"{way}.{kind}.{{id}}.{verb}"
            broker.subscriber(subject, title=title, description=_summary(command))(_handler_of(command))
    for name, event in EVENT_TYPES.items():
        kind, _, action = name.partition(".")
        subject = f"evt.{kind}.{{id}}.{action}"
        broker.publisher(subject, title=f"{name}.v{event.VERSION}", description=_summary(event), schema=event)
    for kind, (description, schema) in _OBSERVATIONS.items():
        broker.publisher(f"obs.{kind}.{{id}}", title=f"obs.{kind}", description=description, schema=schema)
    for verb, message in PROJECTION_MESSAGES.items():
        subject = f"projection.{{projection}}.{verb}"
        broker.subscriber(subject, title=f"projection.{verb}", description=_summary(message))(_handler_of(message))
    committed = "The position up to which a projection has committed its rows, sent after each batch."
    broker.publisher(
        "projection.{projection}.committed", title="projection.committed", description=committed, schema=int
    )
    summary = "How a command was decided, sent to the inbox that it names."
    broker.publisher("{inbox}", title=_OUTCOME, description=summary, schema=Outcome)
    made = AsyncAPI(broker, title="Antiphon", version=version("antiphon"), description=_DESCRIPTION)
    return _completed(made.to_specification())


def _summary(message: type[BaseModel]) -> str:
    return (message.__doc__ or "").partition("\n")[0]


def _handler_of(command: type[BaseModel]) -> Callable[[BaseModel], Awaitable[None]]:
    """A function with the annotation from which FastStream reads the type of the body."""

    async def take(command: BaseModel) -> None:
        """Never called: the policy and the projector receive messages (docs/adr/0006)."""

    take.__annotations__["command"] = command
    return take


def _completed(document: Any) -> Specification:
    """The document with all that FastStream does not describe: headers, parts of subjects, replies."""
    commands = {command.__name__ for command in COMMAND_TYPES.values()}
    for name, schema in document.components.schemas.items():
        if name not in commands:
            schemas.open_to_new_fields(schema)
    for headers in (CommandHeaders, EventHeaders):
        document.components.schemas[headers.__name__] = headers.model_json_schema(by_alias=True)
    for name, channel in document.channels.items():
        parts = [part for part in _PARAMETERS if f"{{{part}}}" in channel.address]
        channel.parameters = {part: {"description": _PARAMETERS[part]} for part in parts}
        if channel.address.startswith(("cmd.", "ask.", "evt.")):
            _complete(document, name)
    # FastStream's order is arbitrary.
    document.channels = dict(sorted(document.channels.items()))
    document.operations = dict(sorted(document.operations.items()))
    made: Specification = document
    return made


def _complete(document: Any, channel: str) -> None:
    """Add the headers to a channel of commands or events, and the reply to its operation."""
    operation = document.operations[channel]
    is_command = operation.action.value == "receive"
    headers = CommandHeaders if is_command else EventHeaders
    for message in document.channels[channel].messages:
        described = document.components.messages[f"{channel}:{message}"]
        described.headers = _reference("components/schemas", headers.__name__)
        described.correlationId.location = f"$message.header#/{subjects.CORRELATION_ID}"
    if is_command:
        # Of a request the reply subject is NATS's own.
        reply = {"channel": _reference("channels", _OUTCOME)}
        if not channel.startswith("ask."):
            reply["address"] = {"location": f"$message.header#/{subjects.REPLY_TO}"}
        operation.reply = reply


def _reference(place: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/{place}/{name}"}
