"""How a process logs, on a terminal and elsewhere."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys

import pytest

_PROGRAM = (
    "import logging, sys, structlog\n"
    "from antiphon.services.runtime import logs\n"
    "logs.configure('policy', 'INFO', sys.argv[1])\n"
    "structlog.get_logger('ours').warning('structured', number=1)\n"
    "logging.getLogger('library').warning('plain %d', 2)\n"
)


def said(form: str, *, on_terminal: bool) -> str:
    """What is written to stderr."""
    ours, theirs = pty.openpty() if on_terminal else os.pipe()
    try:
        subprocess.run([sys.executable, "-c", _PROGRAM, form], stderr=theirs, check=True)  # noqa: S603
    finally:
        os.close(theirs)
    pieces = []
    # A terminal that nobody writes to any more ends with an error, on Linux.
    with os.fdopen(ours, "rb", buffering=0) as reader, contextlib.suppress(OSError):
        while piece := reader.read(65536):
            pieces.append(piece)
    return b"".join(pieces).decode()


@pytest.mark.parametrize(("form", "on_terminal"), [("json", False), ("json", True), ("auto", False)])
def test_a_process_logs_json_when_asked_to_or_where_nobody_looks(form: str, on_terminal: bool) -> None:  # noqa: FBT001
    ours, library = [json.loads(line) for line in said(form, on_terminal=on_terminal).splitlines()]
    assert (ours["event"], ours["number"], ours["process"], ours["level"]) == ("structured", 1, "policy", "warning")
    assert (library["event"], library["logger"], library["process"]) == ("plain 2", "library", "policy")


@pytest.mark.parametrize(("form", "on_terminal"), [("text", False), ("text", True), ("auto", True)])
def test_a_process_logs_text_when_asked_to_or_on_a_terminal(form: str, on_terminal: bool) -> None:  # noqa: FBT001
    ours, library = said(form, on_terminal=on_terminal).splitlines()
    assert "structured" in ours
    assert "plain 2" in library
    assert ("\x1b[" in ours) is on_terminal
