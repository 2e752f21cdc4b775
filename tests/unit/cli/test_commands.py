"""The command line, as far as it goes without servers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from antiphon.services.cli.commands.app import app
from antiphon.services.cli.preparation import address, without_password

runner = CliRunner()


def test_help_names_every_command() -> None:
    result = runner.invoke(app, ["--help"])
    assert result.exit_code == 0
    for command in (
        "start",
        "stop",
        "status",
        "version",
        "show",
        "tail",
        "replay",
        "export",
        "diff",
        "parked",
        "verify",
        "doctor",
        "load-demo",
    ):
        assert command in result.stdout


def test_version_is_told() -> None:
    result = runner.invoke(app, ["version"])
    assert result.exit_code == 0
    assert result.stdout.startswith("antiphon 0.")


@pytest.mark.parametrize(
    "command", [["status"], ["status", "--json"], ["stop"], ["tail"], ["verify"], ["doctor"], ["load-demo"]]
)
def test_asking_for_what_does_not_run_is_one_sentence_and_exit_code_1(tmp_path: Path, command: list[str]) -> None:
    result = runner.invoke(app, [*command, "--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == f"Antiphon is not running on {tmp_path}\n"
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_role_is_refused(tmp_path: Path) -> None:
    result = runner.invoke(app, ["start", "--data-dir", str(tmp_path), "--role", "policy,clerk"])
    assert result.exit_code == 2
    assert "choose from policy, projector, recorder, reactor, timekeeper, gateway" in result.stderr


def test_an_unknown_log_level_is_refused(tmp_path: Path) -> None:
    result = runner.invoke(app, ["start", "--data-dir", str(tmp_path), "--log-level", "LOUD"])
    assert result.exit_code == 2
    assert "choose DEBUG" in result.stderr


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
        ("nats://user:secret@nats.example:4222", "nats://nats.example:4222"),
        ("nats://u:s@a:1,nats://u:s@b:2", "nats://a:1,nats://b:2"),
        ("user:secret@nats.example", "nats.example"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://user:secret@db.example:5433/antiphon", "db.example:5433"),
        ("host=db.example password=secret", "db.example:5432"),
        ("nonsense", "the given --postgres-url"),
    ],
)
def test_a_database_is_shown_by_its_address(url: str, shown: str) -> None:
    assert address(url) == shown
    assert json.dumps(shown).find("secret") == -1


@pytest.mark.parametrize("arguments", [["--help"], ["start", "--help"], ["replay", "--help"], ["parked", "--help"]])
def test_help_loads_only_what_it_shows(arguments: list[str]) -> None:
    program = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
    program += "from antiphon.services.cli.main import main; main()"
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    assert "Usage: antiphon" in done.stdout
    loaded = done.stderr.split()
    assert "typer" in loaded
    heavy = {"fastapi", "faststream", "nats", "psycopg", "rich", "structlog", "uvicorn", "antiphon.events"}
    if arguments == ["--help"]:
        # For the options of a command, typer itself needs both.
        heavy |= {"asyncio", "pydantic"}
    assert not heavy.intersection(loaded)
