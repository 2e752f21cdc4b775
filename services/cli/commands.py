"""The commands of `antiphon`, and their options."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Final

import typer

from antiphon.services.cli import audit, console, doctor, load_demo, parked, rebuild, repair
from antiphon.services.cli import start as starting
from antiphon.services.cli import status as asking
from antiphon.services.cli import stop as stopping
from antiphon.services.cli import verify as verifying
from antiphon.services.cli.failures import CannotStartError, NotRunningError
from antiphon.services.cli.options import DataDir
from antiphon.services.runtime.settings import LogLevel

_FAILED: Final = 1
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
    data_dir: DataDir = Path(".antiphon"),
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
    role: Annotated[str, typer.Option(help="Run only these roles, separated by commas.")] = ",".join(starting.ROLES),
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
    options = starting.StartOptions(
        data_dir=data_dir,
        host=host,
        port=port,
        nats_url=nats_url,
        postgres_url=postgres_url,
        roles=_roles(role),
        log_level=_log_level(log_level),
        query_timeout_seconds=query_timeout,
    )
    try:
        starting.start(options)
    except CannotStartError as error:
        console.failure(f"Antiphon cannot start: {error}")
        raise typer.Exit(_CANNOT_START) from None


@app.command()
def stop(
    data_dir: DataDir = Path(".antiphon"),
    timeout: Annotated[float, typer.Option(help="Seconds to wait until it has stopped.")] = 60,
) -> None:
    """Stop the Antiphon that runs on the data directory."""
    try:
        pid = stopping.stop(data_dir, timeout)
    except (NotRunningError, stopping.StillRunningError) as error:
        console.failure(str(error))
        raise typer.Exit(_FAILED) from None
    console.result(f"Antiphon has stopped (process {pid})")


@app.command()
def status(
    data_dir: DataDir = Path(".antiphon"),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,  # noqa: FBT002
) -> None:
    """Show roles, process ids, ports, the log's position, and how far behind each reader is."""
    try:
        found = asking.status(data_dir)
    except NotRunningError as error:
        console.failure(str(error))
        raise typer.Exit(_FAILED) from None
    if as_json:
        console.raw(found.model_dump_json(indent=2))
    else:
        asking.show(found)


for command in (
    audit.show,
    audit.tail,
    audit.replay,
    audit.export,
    audit.diff,
    verifying.verify,
    doctor.doctor,
    rebuild.rebuild,
    repair.repair,
    load_demo.load_demo,
):
    app.command()(command)
app.add_typer(parked.app, name="parked")


@app.command()
def version() -> None:
    """Show the version."""
    console.result(f"antiphon {installed_version('antiphon')}")


def _roles(text: str) -> tuple[str, ...]:
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in starting.ROLES]
    if unknown or not wanted:
        raise typer.BadParameter(f"choose from {', '.join(starting.ROLES)}", param_hint="--role")
    return tuple(name for name in starting.ROLES if name in wanted)


def _log_level(text: str) -> LogLevel:
    match text.upper():
        case "DEBUG" | "INFO" | "WARNING" | "ERROR" as level:
            return level
        case _:
            raise typer.BadParameter("choose DEBUG, INFO, WARNING or ERROR", param_hint="--log-level")
