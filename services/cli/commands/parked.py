"""`antiphon parked`: messages that no process could handle."""

from __future__ import annotations

from typing import Annotated

import typer

from antiphon.services.cli.commands import options
from antiphon.services.cli.commands.options import HERE
from antiphon.services.cli.installation import Installation

app = typer.Typer(help="Messages that no process could handle.", no_args_is_help=True)

_LAST = 2**63 - 1
Sequence = Annotated[int, typer.Argument(min=1, max=_LAST, help="The number that `antiphon parked list` shows.")]
MaybeSequence = Annotated[int | None, typer.Argument(min=1, max=_LAST, help="One of them; or --all.")]
Everything = Annotated[bool, typer.Option("--all", help="All of them.")]


@app.command("list")
def show_all(data_dir: options.DataDir = HERE, nats_url: options.NatsUrl = None) -> None:
    """List them, the oldest first."""
    from antiphon.services.cli import parked, running

    running.run(parked.show_all(Installation(data_dir, nats_url)))


@app.command()
def show(sequence: Sequence, data_dir: options.DataDir = HERE, nats_url: options.NatsUrl = None) -> None:
    """Show one with its headers and its body."""
    from antiphon.services.cli import parked, running

    running.run(parked.show(Installation(data_dir, nats_url), sequence))


@app.command()
def replay(
    sequence: MaybeSequence = None,
    everything: Everything = False,  # noqa: FBT002
    data_dir: options.DataDir = HERE,
    nats_url: options.NatsUrl = None,
) -> None:
    """Hand one out again, or all: do so when the cause of the failure is repaired.

    A command is decided, unless it was meanwhile; an observation is recorded; an event stream is projected from the
    parked event on.
    """
    from antiphon.services.cli import parked, running

    running.run(parked.replay(Installation(data_dir, nats_url), _chosen(sequence, everything=everything)))


@app.command()
def drop(
    sequence: MaybeSequence = None,
    everything: Everything = False,  # noqa: FBT002
    data_dir: options.DataDir = HERE,
    nats_url: options.NatsUrl = None,
) -> None:
    """Delete one, or all. An event stays in the log, and its event stream remains parked."""
    from antiphon.services.cli import parked, running

    running.run(parked.drop(Installation(data_dir, nats_url), _chosen(sequence, everything=everything)))


def _chosen(sequence: int | None, *, everything: bool) -> int | None:
    """The number of one message, or None for all."""
    if everything == (sequence is not None):
        raise typer.BadParameter("give a number, or --all")
    return sequence
