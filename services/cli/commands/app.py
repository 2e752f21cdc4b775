"""The command line, and the commands that run and maintain an Antiphon."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Annotated, Final

import typer

from antiphon.services.cli.choices import ROLES
from antiphon.services.cli.commands import audit, options, parked
from antiphon.services.cli.commands.options import HERE
from antiphon.services.cli.installation import Installation

if TYPE_CHECKING:
    from antiphon.services.runtime.settings import LogLevel

_CANNOT_START: Final = 2

app = typer.Typer(
    help="Antiphon: event-sourced orchestration on NATS JetStream, wire-compatible with Prefect 3.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command()
def start(
    data_dir: options.DataDir = HERE,
    host: Annotated[str, typer.Option(envvar="ANTIPHON_API_HOST", help="Address the API listens on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="ANTIPHON_API_PORT", min=1, max=65535, help="Port the API listens on.")
    ] = 4200,
    nats_url: Annotated[
        str | None,
        typer.Option(envvar="ANTIPHON_NATS_URL", help="NATS servers to use instead of an embedded one."),
    ] = None,
    postgres_url: Annotated[
        str | None,
        typer.Option(envvar="ANTIPHON_POSTGRES_URL", help="PostgreSQL to use instead of an embedded one."),
    ] = None,
    role: Annotated[str, typer.Option(help="Run only these roles, separated by commas.")] = ",".join(ROLES),
    log_level: Annotated[
        str, typer.Option(envvar="ANTIPHON_LOG_LEVEL", help="DEBUG, INFO, WARNING or ERROR.")
    ] = "INFO",
    query_timeout: Annotated[
        float,
        typer.Option(
            envvar="ANTIPHON_QUERY_TIMEOUT_SECONDS",
            min=0.001,
            help="Seconds a query may take before it is ended and answered 503.",
        ),
    ] = 30,
) -> None:
    """Start Antiphon on this machine; Ctrl-C stops it.

    Set PREFECT_API_URL to the address it prints, and use Prefect as usual.
    """
    roles, level = _roles(role), _log_level(log_level)
    from antiphon.services.cli import console
    from antiphon.services.cli import start as work
    from antiphon.services.cli.failures import CannotStartError

    try:
        work.start(
            work.StartOptions(
                data_dir=data_dir,
                host=host,
                port=port,
                nats_url=nats_url,
                postgres_url=postgres_url,
                roles=roles,
                log_level=level,
                query_timeout_seconds=query_timeout,
            )
        )
    except CannotStartError as error:
        console.failure(f"Antiphon cannot start: {error}")
        raise typer.Exit(_CANNOT_START) from None


@app.command()
def stop(
    data_dir: options.DataDir = HERE,
    timeout: Annotated[float, typer.Option(help="Seconds to wait until it has stopped.")] = 60,
) -> None:
    """Stop the Antiphon that runs on the data directory."""
    from antiphon.services.cli import running
    from antiphon.services.cli import stop as work

    running.run(work.stop(data_dir, timeout))


@app.command()
def status(data_dir: options.DataDir = HERE, as_json: options.Json = False) -> None:  # noqa: FBT002
    """Show roles, process ids, ports, the log's position, and the lag of each reader."""
    from antiphon.services.cli import running
    from antiphon.services.cli import status as work

    running.run(work.show(data_dir, as_json=as_json))


for command in (audit.show, audit.tail, audit.replay, audit.export, audit.diff):
    app.command()(command)
app.add_typer(parked.app, name="parked")


@app.command()
def verify(
    head: Annotated[
        str | None, typer.Option(help="A hash that an earlier verification printed, as POSITION:HASH.")
    ] = None,
    data_dir: options.DataDir = HERE,
    nats_url: options.NatsUrl = None,
    postgres_url: options.PostgresUrl = None,
) -> None:
    """Compare the log with its archive, message by message, and check the archive's chain of hashes.

    Exit code 3 where they differ: the first position that does is named. The hash it prints at the end proves, kept
    elsewhere, that nothing before it was changed since: give it back with --head.
    """
    from antiphon.services.cli import running
    from antiphon.services.cli import verify as work

    running.run(work.verify(Installation(data_dir, nats_url, postgres_url), work.known(head)))


@app.command()
def doctor(
    data_dir: options.DataDir = HERE,
    nats_url: options.NatsUrl = None,
    postgres_url: options.PostgresUrl = None,
    as_json: options.Json = False,  # noqa: FBT002
) -> None:
    """Check versions, durability, permissions, schema, lag, clocks, parked messages and disk.

    Exit code 1 if there is a problem; a warning is none.
    """
    from antiphon.services.cli import doctor as work
    from antiphon.services.cli import running

    running.run(work.doctor(Installation(data_dir, nats_url, postgres_url), as_json=as_json))


@app.command()
def rebuild(
    keep_old: Annotated[bool, typer.Option("--keep-old", help="Keep the old tables in a schema of their own.")] = False,  # noqa: FBT002
    discard: Annotated[  # noqa: FBT002
        bool, typer.Option("--discard", help="Only delete an interrupted rebuild, and kept old tables.")
    ] = False,
    data_dir: options.DataDir = HERE,
    nats_url: options.NatsUrl = None,
    postgres_url: options.PostgresUrl = None,
) -> None:
    """Build the read models again from the log, in a second schema, while the live ones are read and written.

    When the new ones have caught up they replace the live ones, at once. The next rebuild continues an interrupted one.
    """
    from antiphon.services.cli import rebuild as work
    from antiphon.services.cli import running

    where = Installation(data_dir, nats_url, postgres_url)
    running.run(work.discard(where) if discard else work.rebuild(where, keep_old=keep_old))


@app.command()
def repair(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")] = False,  # noqa: FBT002
    data_dir: options.DataDir = HERE,
    nats_url: options.NatsUrl = None,
    postgres_url: options.PostgresUrl = None,
) -> None:
    """Publish again what the log lost at its end and the archive has, or archive again what the archive lost.

    Damaged rows of the archive are replaced if its hashes prove that the log is what was archived. No policy may run
    meanwhile: `antiphon start --role projector` runs the servers without one. Other damage is refused with exit code 1.
    """
    from antiphon.services.cli import repair as work
    from antiphon.services.cli import running

    running.run(work.repair(Installation(data_dir, nats_url, postgres_url), dry_run=dry_run))


@app.command()
def load_demo(
    runs: Annotated[int, typer.Option(min=1, help="How many flow runs.")] = 1000,
    data_dir: options.DataDir = HERE,
    nats_url: options.NatsUrl = None,
    postgres_url: options.PostgresUrl = None,
) -> None:
    """Fill a running Antiphon with made-up flow runs, to try it with much data.

    They lie in the past 30 days and the coming one: of ten flows, with deployments, tags and parameters; most have
    completed, some have failed, are late or scheduled. Commands create flows and deployments. The events of
    runs are appended to the log as they are, in atomic batches: they need no decision, because runs that
    have just been invented meet no rule, claim no name and take no slot. Only a few runs are in memory at a time.
    The command ends when every query shows all of them; to add more, repeat it.
    """
    from antiphon.services.cli import load_demo as work
    from antiphon.services.cli import running

    running.run(work.load_demo(Installation(data_dir, nats_url, postgres_url), runs))


@app.command()
def version() -> None:
    """Show the version."""
    typer.echo(f"antiphon {installed_version('antiphon')}")


def _roles(text: str) -> tuple[str, ...]:
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in ROLES]
    if unknown or not wanted:
        raise typer.BadParameter(f"choose from {', '.join(ROLES)}", param_hint="--role")
    return tuple(name for name in ROLES if name in wanted)


def _log_level(text: str) -> LogLevel:
    match text.upper():
        case "DEBUG" | "INFO" | "WARNING" | "ERROR" as level:
            return level
        case _:
            raise typer.BadParameter("choose DEBUG, INFO, WARNING or ERROR", param_hint="--log-level")
