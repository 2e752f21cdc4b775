"""`antiphon show`, `tail`, `replay`, `export` and `diff`: the content of the log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from antiphon.services.cli.choices import Format, Output
from antiphon.services.cli.commands import options
from antiphon.services.cli.commands.options import HERE
from antiphon.services.cli.installation import Installation


def show(
    run: Annotated[UUID, typer.Argument(help="The id of a flow run, a task run or a flow.")],
    output: options.As = Output.TABLE,
    data_dir: options.DataDir = HERE,
    nats_url: options.NatsUrl = None,
) -> None:
    """Show every decision about a run in order, with its rule, its reason and its causes."""
    from antiphon.services.cli import audit, running

    running.run(audit.show(Installation(data_dir, nats_url), run, output))


def tail(
    from_: options.From = None,
    kind: options.Kind = "*",
    identifier: options.Id = "*",
    action: options.Action = ">",
    flow: options.Flow = None,
    deployment: options.Deployment = None,
    tag: options.Tag = None,
    state_type: options.State = None,
    decision: options.Decision = None,
    output: options.As = Output.TABLE,
    data_dir: options.DataDir = HERE,
    nats_url: options.NatsUrl = None,
) -> None:
    """Show events as they happen, until Ctrl-C; from now on, or from an earlier position or time."""
    from antiphon.services.cli import audit, running

    which = options.event_filter(kind, identifier, action, flow, deployment, tag, state_type, decision)
    running.run(audit.tail(Installation(data_dir, nats_url), which, from_, output))


def replay(
    from_: options.From = None,
    to: options.To = None,
    kind: options.Kind = "*",
    identifier: options.Id = "*",
    action: options.Action = ">",
    flow: options.Flow = None,
    deployment: options.Deployment = None,
    tag: options.Tag = None,
    state_type: options.State = None,
    decision: options.Decision = None,
    output: options.As = Output.TABLE,
    data_dir: options.DataDir = HERE,
    nats_url: options.NatsUrl = None,
) -> None:
    """Show what happened from one position or time to another, both included."""
    from antiphon.services.cli import audit, running

    which = options.event_filter(kind, identifier, action, flow, deployment, tag, state_type, decision)
    running.run(audit.replay(Installation(data_dir, nats_url), which, from_, to, output))


def export(
    from_: options.From = None,
    to: options.To = None,
    kind: options.Kind = "*",
    identifier: options.Id = "*",
    action: options.Action = ">",
    flow: options.Flow = None,
    deployment: options.Deployment = None,
    tag: options.Tag = None,
    state_type: options.State = None,
    decision: options.Decision = None,
    form: Annotated[Format, typer.Option("--format", help="ndjson or csv.")] = Format.NDJSON,
    file: Annotated[Path | None, typer.Option(help="The file to write; absent: standard output.")] = None,
    data_dir: options.DataDir = HERE,
    nats_url: options.NatsUrl = None,
) -> None:
    """Write events as NDJSON or CSV, for other programs."""
    from antiphon.services.cli import audit, running

    which = options.event_filter(kind, identifier, action, flow, deployment, tag, state_type, decision)
    running.run(audit.export(Installation(data_dir, nats_url), which, from_, to, form, file))


def diff(
    run: Annotated[UUID, typer.Argument(help="The id of a flow run or a task run.")],
    before: Annotated[Any, typer.Argument(parser=options.log_position, metavar="POSITION|TIME")],
    after: Annotated[Any, typer.Argument(parser=options.log_position, metavar="POSITION|TIME")],
    data_dir: options.DataDir = HERE,
    nats_url: options.NatsUrl = None,
    postgres_url: options.PostgresUrl = None,
) -> None:
    """Show the changes of a run between two positions or times."""
    from antiphon.services.cli import audit, running

    running.run(audit.diff(Installation(data_dir, nats_url, postgres_url), run, before, after))
