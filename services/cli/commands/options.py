"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from antiphon.services.cli.choices import Output

if TYPE_CHECKING:
    from antiphon.events.event_filter import EventFilter
    from antiphon.events.log_position import LogPosition
    from antiphon.events.state import StateType

#: The data directory where none is given.
HERE: Final = Path(".antiphon")

DataDir = Annotated[
    Path, typer.Option("--data-dir", envvar="ANTIPHON_DATA_DIR", help="Where the log, the tables and the logs live.")
]
NatsUrl = Annotated[
    str | None,
    typer.Option("--nats-url", envvar="ANTIPHON_NATS_URL", help="NATS servers; absent: those of the running Antiphon."),
]
PostgresUrl = Annotated[
    str | None,
    typer.Option(
        "--postgres-url", envvar="ANTIPHON_POSTGRES_URL", help="PostgreSQL; absent: that of the running Antiphon."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]


class TransitionDecision(StrEnum):
    """How a transition was decided."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


def log_position(text: str) -> LogPosition:
    """A position or a time from the command line."""
    from antiphon.events.log_position import parse

    try:
        return parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _state_type(text: str) -> StateType:
    from antiphon.events.state import StateType

    try:
        return StateType(text.upper())
    except ValueError:
        raise typer.BadParameter(f"choose from {', '.join(StateType)}") from None


#: `LogPosition | None`, which typer does not know.
From = Annotated[
    Any, typer.Option("--from", parser=log_position, metavar="POSITION|TIME", help="The first position, or time.")
]
To = Annotated[
    Any, typer.Option("--to", parser=log_position, metavar="POSITION|TIME", help="The last position, or time.")
]
Kind = Annotated[str, typer.Option(help="flow_run, task_run, flow, ...")]
Id = Annotated[str, typer.Option("--id", help="The id of one of them.")]
Action = Annotated[str, typer.Option(help="state.accepted, state.*, refused.*, updated, deleted, ...")]
Flow = Annotated[UUID | None, typer.Option(help="Of this flow and its runs.")]
Deployment = Annotated[UUID | None, typer.Option(help="Of the runs of this deployment.")]
Tag = Annotated[list[str] | None, typer.Option(help="With this tag; all of them where given several times.")]
#: `StateType | None`, which would be loaded for every command.
State = Annotated[
    Any,
    typer.Option(
        "--state-type",
        parser=_state_type,
        metavar="TYPE",
        help="A state of this type, written or proposed: RUNNING, ...",
    ),
]
Decision = Annotated[TransitionDecision | None, typer.Option(help="Transitions that were accepted, or refused.")]
As = Annotated[Output, typer.Option("--output", help="table or ndjson.")]


def event_filter(
    kind: str,
    identifier: str,
    action: str,
    flow: UUID | None,
    deployment: UUID | None,
    tags: list[str] | None,
    state_type: StateType | None,
    decision: TransitionDecision | None,
) -> EventFilter:
    """The events that these options select."""
    from antiphon.events.event_filter import EventFilter

    try:
        return EventFilter(
            kind=kind,
            id=identifier,
            action=action,
            flow=flow,
            deployment=deployment,
            tags=tuple(tags or ()),
            state_type=state_type,
            decision=None if decision is None else "accepted" if decision is TransitionDecision.ACCEPTED else "refused",
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
