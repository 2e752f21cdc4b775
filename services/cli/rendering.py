"""Events of the log as lines for people, and as rows for spreadsheets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from antiphon.events import codec, transition
from antiphon.events.flow_run.events import FlowRunUpdated
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.message import Event
from antiphon.events.record import status_of
from antiphon.events.state import State
from antiphon.events.task_run.events import TaskRunStateRecorded

COLUMNS: Final = (
    "position",
    "recorded_at",
    "occurred_at",
    "type",
    "kind",
    "id",
    "status",
    "rule",
    "reason",
    "proposed_state",
    "written_state",
    "actor",
    "command_id",
    "correlation_id",
    "causation_id",
    "data",
)


def moment(value: datetime | None) -> str:
    """A time in UTC, of constant length."""
    return "" if value is None else value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def line(item: Recorded | Unreadable) -> str:
    """One event on one line."""
    if isinstance(item, Unreadable):
        return f"{item.position:>8}  {moment(item.recorded_at):27}  unreadable: {item.subject}: {item.error}"
    kind, identifier = item.aggregate
    action = item.event.action
    said = summary(item.event)
    return f"{item.position:>8}  {moment(item.recorded_at)}  {kind:<14} {identifier}  {action:<16}  {said}".rstrip()


def summary(event: Event) -> str:
    """A summary of an event."""
    match event:
        case transition.Accepted():
            adjusted = f" (adjusted by {', '.join(event.adjusted_by)})" if event.adjusted_by else ""
            return f"ACCEPT {event.state.name}{adjusted}"
        case transition.Replaced():
            return f"REJECT {event.proposed.name}: {event.rule}: {event.reason}; moved to {event.state.name}"
        case transition.Rejected():
            return f"REJECT {event.proposed.name}: {event.rule}: {event.reason}"
        case transition.Delayed():
            return f"WAIT {event.delay_seconds} s for {event.proposed.name}: {event.rule}: {event.reason}"
        case transition.Aborted():
            return f"ABORT {event.proposed.name}: {event.rule}: {event.reason}"
        case transition.StateWritten():
            name = getattr(getattr(event, "fields", event), "name", "")
            return f"{name}: {event.state.name}"
        case TaskRunStateRecorded():
            return f"reported {event.state.name}{'' if event.is_latest else ', late'}"
        case FlowRunUpdated():
            return ", ".join(sorted(event.changes.model_fields_set))
        case _:
            name = getattr(event, "name", None) or getattr(event, "data", {}).get("name")
            return str(name or "")


def causes(item: Recorded) -> str:
    """The actor and the causes of an event."""
    metadata = item.metadata
    known = {
        "command": metadata.command_id,
        "actor": metadata.actor,
        "correlation": metadata.correlation_id,
        "causation": metadata.causation_id,
    }
    return "  ".join(f"{name} {value}" for name, value in known.items() if value is not None)


def row(item: Recorded | Unreadable) -> list[str]:
    """One event as cells in the order of COLUMNS."""
    if isinstance(item, Unreadable):
        cells = {"position": str(item.position), "recorded_at": moment(item.recorded_at), "reason": item.error}
        return [cells.get(name, "") for name in COLUMNS]
    event, metadata = item.event, item.metadata
    status = status_of(event)
    return [
        str(item.position),
        moment(item.recorded_at),
        moment(metadata.occurred_at),
        event.TYPE,
        item.aggregate.kind,
        item.aggregate.id,
        status.value if status else "",
        getattr(event, "rule", ""),
        getattr(event, "reason", ""),
        _name(getattr(event, "proposed", None)),
        _name(getattr(event, "state", None)),
        metadata.actor or "",
        str(metadata.command_id),
        str(metadata.correlation_id or ""),
        metadata.causation_id or "",
        codec.encode(event).decode(),
    ]


def _name(state: object) -> str:
    return state.name if isinstance(state, State) else ""
