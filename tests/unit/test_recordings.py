"""A recording of the genuine server is used only for the requests and the version that it was made with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import genuine
from tests.acceptance.genuine import Genuine, digest, version
from tests.acceptance.server import Server

_REQUESTS = [{"path": "/flows/", "body": b"{}"}]


def _ask(server: Server) -> Any:
    raise AssertionError(f"{server.name} was asked")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(genuine, "_FOLDER", tmp_path)
    return tmp_path


def _record(folder: Path, **changes: Any) -> None:
    head = {"prefect": version(), "recorded": "2001-01-01T00:00:00Z", "requests": digest(_REQUESTS)}
    (folder / "table.json").write_text(json.dumps({**head, "answers": [200], **changes}))


def test_a_recording_is_replayed(folder: Path) -> None:
    _record(folder)
    assert Genuine(None).answers("table", _REQUESTS, _ask) == [200]


def test_a_missing_recording_fails(folder: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"no answers .* are recorded; run `make record-oracle`"):
        Genuine(None).answers("table", _REQUESTS, _ask)


def test_a_recording_of_another_version_fails(folder: Path) -> None:
    _record(folder, prefect="3.0.0")
    with pytest.raises(pytest.fail.Exception, match=r"the answers of Prefect 3\.0\.0 are recorded"):
        Genuine(None).answers("table", _REQUESTS, _ask)


def test_a_recording_of_other_requests_fails(folder: Path) -> None:
    _record(folder)
    with pytest.raises(pytest.fail.Exception, match="other requests"):
        Genuine(None).answers("table", [*_REQUESTS, {}], _ask)


def test_a_program_stands_for_its_requests_but_its_comments_do_not(tmp_path: Path) -> None:
    texts = ('"""Asks."""\n# Once.\nask()\n', "ask()\n", "ask(2)\n")
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.py").write_text(text)
    first, same, other = (digest(genuine.source(tmp_path / f"{number}.py")) for number in range(3))
    assert first == same != other
