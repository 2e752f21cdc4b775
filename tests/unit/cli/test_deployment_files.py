"""What deploy/ and its guide tell machines to run is something that Antiphon, and nats-server, understand."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from antiphon.services.cli.choices import ROLES
from antiphon.services.cli.commands.app import _roles, app
from antiphon.services.cli.health.log import _SYNCED
from antiphon.services.runtime.embedded.nats_server import _binary

_ROOT = Path(__file__).parents[3]
_DEPLOY = _ROOT / "deploy"
_JSON = re.compile(r"(?:command: |CMD )(\[.*\])$", re.MULTILINE)
_EXEC = re.compile(r"^ExecStart=/opt/antiphon/bin/antiphon (.*)$", re.MULTILINE)
_SHELL = re.compile(r"^antiphon (.*?)(?: \|\|.*)?$", re.MULTILINE)


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every call of `antiphon`, and where it stands."""
    for name in ("Containerfile", "compose.yaml"):
        for found in map(json.loads, _JSON.findall((_DEPLOY / name).read_text())):
            words = found[1:] if found[0] == "antiphon" else found
            # What belongs to other images.
            if not words[0].startswith("-") and words[0] != "postgres":
                yield name, words
    for unit in sorted((_DEPLOY / "systemd").glob("*.service")):
        for line in _EXEC.findall(unit.read_text()):
            for role in ROLES if "%i" in line else ("",):
                yield unit.name, shlex.split(line.replace("%i", role))
    for line in _SHELL.findall((_ROOT / "docs" / "guides" / "deploy.md").read_text()):
        yield "deploy.md", shlex.split(line.replace("$nats", "nats://nats:4222").replace('"', ""))


@pytest.mark.parametrize(("where", "words"), list(commands()), ids=lambda value: " ".join(value) if value else "")
def test_every_command_is_one_of_ours(where: str, words: list[str]) -> None:
    group = typer.main.get_command(app)
    with group.make_context("antiphon", list(words), resilient_parsing=True) as whole:
        name, command, rest = group.resolve_command(whole, list(words))  # type: ignore[attr-defined]
        assert command is not None, where
        with command.make_context(name, rest, parent=whole) as context:
            assert set(_roles(context.params.get("role") or ",".join(ROLES))) <= set(ROLES)


def test_all_files_name_commands() -> None:
    assert {where for where, _ in commands()} == {
        "Containerfile", "compose.yaml", "antiphon.service", "antiphon@.service", "deploy.md"
    }  # fmt: skip


def test_every_role_is_started_by_the_compose_file() -> None:
    started = [words[-1].split(",") for where, words in commands() if where == "compose.yaml"]
    assert sorted(role for roles in started for role in roles) == sorted(ROLES)


def test_the_container_holds_all_packages() -> None:
    text = (_DEPLOY / "Containerfile").read_text()
    for source in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE):
        assert all((_ROOT / name).exists() for name in source.split())
    assert all(f"COPY {package} {package}\n" in text for package in ("events", "projections", "services", "src"))


def test_the_configuration_of_nats_server_is_one_and_syncs() -> None:
    configuration = _DEPLOY / "nats.conf"
    done = subprocess.run([_binary(), "-t", "-c", configuration], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert _SYNCED.search(configuration.read_text())
