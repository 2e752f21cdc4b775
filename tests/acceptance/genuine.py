"""The genuine server's side of a comparison: its answers, recorded in files, or given by a running server.

ANTIPHON_GENUINE says which: `replay` (without it) reads the files of `recorded/`, `live` asks a running server, and
`record` asks it and writes the files.
"""

from __future__ import annotations

import gzip
import hashlib
import inspect
import json
import os
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.acceptance.server import Server

_FOLDER: Final = Path(__file__).with_name("recorded")
#: A recording of more bytes is compressed.
_LARGE: Final = 1_000_000
_REMEDY: Final = "run `make record-oracle`"
_SECOND: Final = timedelta(seconds=1)
_CONSTRAINTS: Final = Path(__file__).parents[1] / "oracle-constraints.txt"
#: Text of a program that changes nothing of what it does: docstrings and lines of comment.
_PROSE: Final = re.compile(r'^[ \t]*"""(?s:.*?)"""[ \t]*\n|^[ \t]*#.*\n|^[ \t]*\n', re.MULTILINE)


class Mode(StrEnum):
    """Where the answers come from."""

    REPLAY = "replay"
    LIVE = "live"
    RECORD = "record"


def mode() -> Mode:
    """Return what ANTIPHON_GENUINE says."""
    return Mode(os.environ.get("ANTIPHON_GENUINE", Mode.REPLAY))


class Genuine:
    """Gives the genuine server's answers to requests."""

    def __init__(self, server: Server | None) -> None:
        """Ask this server; read recordings if there is none."""
        self._server = server

    def running(self) -> Server:
        """Return the running server."""
        assert self._server is not None
        return self._server

    def age(self, name: str) -> timedelta:
        """Return how long ago these answers were recorded: nothing for those of a running server."""
        if self._server is not None:
            return timedelta()
        recorded = datetime.fromisoformat(_known(name)["recorded"])
        return (datetime.now(UTC) - recorded) // _SECOND * _SECOND

    def answers(self, name: str, requests: Any, ask: Callable[[Server], Any]) -> Any:
        """Return what `ask` makes of the genuine server, which sends it these requests; fail without a recording."""
        if self._server is None:
            return _read(name, digest(requests))
        # As they come out of a file: a recording and a running server are then compared in the same way.
        found = json.loads(json.dumps(ask(self._server)))
        if mode() is Mode.RECORD:
            _write(name, digest(requests), self._server, found)
        return found


def digest(requests: Any) -> str:
    """Return a short name of requests that no other requests have."""
    text = json.dumps(requests, default=_plain, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        # Without defaults: an option that one request gets changes no other one.
        given = {field.name: getattr(value, field.name) for field in fields(value)}
        return {field.name: given[field.name] for field in fields(value) if given[field.name] != field.default}
    # A program stands for the requests that it sends.
    return value.decode("latin-1") if isinstance(value, bytes) else _PROSE.sub("", inspect.getsource(value))


def source(path: Path) -> str:
    """Return the text of a program that sends requests, for `digest`."""
    return _PROSE.sub("", path.read_text())


def version() -> str:
    """Return the version of Prefect that Antiphon is compared with."""
    (found,) = re.findall(r"^prefect==(\S+)$", _CONSTRAINTS.read_text(), re.MULTILINE)
    return str(found)


def _plain_file(name: str) -> Path:
    return _FOLDER / f"{name}.json"


def _packed_file(name: str) -> Path:
    return _FOLDER / f"{name}.json.gz"


def _recording(name: str) -> Any:
    """Return the whole recording, or None."""
    if _plain_file(name).exists():
        return json.loads(_plain_file(name).read_bytes())
    return json.loads(gzip.decompress(_packed_file(name).read_bytes())) if _packed_file(name).exists() else None


def _known(name: str) -> Any:
    found = _recording(name)
    if found is None:
        pytest.fail(f"{name}: no answers of the genuine server are recorded; {_REMEDY}", pytrace=False)
    return found


def _read(name: str, requests: str) -> Any:
    recording = _known(name)
    if recording["prefect"] != version():
        found = f"the answers of Prefect {recording['prefect']} are recorded, not those of {version()}"
        pytest.fail(f"{name}: {found}; {_REMEDY}", pytrace=False)
    if recording["requests"] != requests:
        pytest.fail(f"{name}: the answers to other requests are recorded; {_REMEDY}", pytrace=False)
    return recording["answers"]


def _write(name: str, requests: str, server: Server, answers: Any) -> None:
    found = httpx.get(f"{server.api_url}/admin/version", timeout=60).raise_for_status().json()
    if found != version():
        pytest.fail(f"the genuine server is Prefect {found}, not {version()}", pytrace=False)
    head = {"prefect": found, "recorded": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "requests": requests}
    known = _recording(name)
    if known == {**head, "recorded": known and known["recorded"], "answers": answers}:
        # Only what changes makes a difference in the repository.
        return
    lines = [f'"{key}": {json.dumps(value)}' for key, value in head.items()]
    text = ("{" + ",\n".join([*lines, f'"answers": {_lines(answers)}']) + "}\n").encode()
    plain, packed = _plain_file(name), _packed_file(name)
    plain.parent.mkdir(parents=True, exist_ok=True)
    for former in (plain, packed):
        former.unlink(missing_ok=True)
    if len(text) > _LARGE:
        packed.write_bytes(gzip.compress(text, mtime=0))
    else:
        plain.write_bytes(text)


def _lines(answers: Any) -> str:
    """Write one answer in a line."""
    if isinstance(answers, dict):
        items = [f"{json.dumps(key)}: {_line(value)}" for key, value in answers.items()]
        return "{\n" + ",\n".join(items) + "\n}"
    return "[\n" + ",\n".join(map(_line, answers)) + "\n]" if isinstance(answers, list) else _line(answers)


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
