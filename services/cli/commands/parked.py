"""`antiphon parked`: messages that no process could handle, and event streams that wait behind a parked event."""

from __future__ import annotations

from typing import Annotated

import typer

from antiphon.services.cli.commands import options
from antiphon.services.cli.commands.options import HERE
from antiphon.services.cli.installation import Installation

app = typer.Typer(help="Messages and events that no process could handle.", no_args_is_help=True)

_LAST = 2**63 - 1
Sequence = Annotated[int, typer.Argument(min=1, max=_LAST, help="The number that `antiphon parked list` shows.")]
MaybeSequence = Annotated[int | None, typer.Argument(min=1, max=_LAST, help="One of them; or --all.")]
MaybeStream = Annotated[str | None, typer.Argument(help="One of them, evt.<kind>.<id>; or --all.")]
Everything = Annotated[bool, typer.Option("--all", help="All of them.")]
After = Annotated[int, typer.Option(min=0, max=_LAST - 1, help="The last number of the page before.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="The length of a page.")]


@app.command("list")
def show_all(
    after: After = 0,
    limit: Limit = 100,
    data_dir: options.DataDir = HERE,
    nats_url: options.NatsUrl = None,
    postgres_url: options.PostgresUrl = None,
) -> None:
    """Count everything by reason and kind, and list a page of messages, the oldest first."""
    from antiphon.services.cli import parked, running

    running.run(parked.show_all(Installation(data_dir, nats_url, postgres_url), after, limit))


@app.command()
def streams(
    after: After = 0,
    limit: Limit = 100,
    data_dir: options.DataDir = HERE,
    postgres_url: options.PostgresUrl = None,
) -> None:
    """List a page of event streams with an event that could not be projected."""
    from antiphon.services.cli import parked, running

    running.run(parked.show_streams(Installation(data_dir, None, postgres_url), after, limit))


@app.command()
def show(sequence: Sequence, data_dir: options.DataDir = HERE, nats_url: options.NatsUrl = None) -> None:
    """Show one message with its headers and its body."""
    from antiphon.services.cli import parked, running

    running.run(parked.show(Installation(data_dir, nats_url), sequence))


@app.command()
def replay(
    sequence: MaybeSequence = None,
    everything: Everything = False,  # noqa: FBT002
    data_dir: options.DataDir = HERE,
    nats_url: options.NatsUrl = None,
) -> None:
    """Publish a message again, or all: do so when the cause of the failure is repaired.

    A command is decided, unless it was meanwhile; an observation is recorded.
    """
    from antiphon.services.cli import parked, running

    _require_one(sequence, everything=everything)
    running.run(parked.replay(Installation(data_dir, nats_url), sequence))


@app.command()
def drop(
    sequence: MaybeSequence = None,
    everything: Everything = False,  # noqa: FBT002
    data_dir: options.DataDir = HERE,
    nats_url: options.NatsUrl = None,
) -> None:
    """Delete a message, or all. Event streams that wait are not dropped: heal them."""
    from antiphon.services.cli import parked, running

    _require_one(sequence, everything=everything)
    running.run(parked.drop(Installation(data_dir, nats_url), sequence))


@app.command()
def heal(
    event_stream: MaybeStream = None,
    everything: Everything = False,  # noqa: FBT002
    data_dir: options.DataDir = HERE,
    nats_url: options.NatsUrl = None,
    postgres_url: options.PostgresUrl = None,
) -> None:
    """Project an event stream, or all, from the parked event on: do so when the cause of the failure is repaired."""
    from antiphon.services.cli import parked, running

    _require_one(event_stream, everything=everything)
    running.run(parked.heal_streams(Installation(data_dir, nats_url, postgres_url), event_stream))


def _require_one(chosen: int | str | None, *, everything: bool) -> None:
    if everything == (chosen is not None):
        raise typer.BadParameter("name one, or --all")
