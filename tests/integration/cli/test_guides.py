"""The guides do what they say: everything in them that is marked as shell or Python is run, in order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.test_start import _ENVIRONMENT, Started

_GUIDES = Path(__file__).parents[3] / "docs" / "guides"
_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

_EXPECTED = {
    "deploy": ["log durability", "database durability"],
    "publish-commands": ["on disk as message"],
    "python-client": [
        "ACCEPT at position",
        "ABORT HandleFlowTerminalStateTransitions",
        "alert: flow_run Failed",
        "before: Running ('python-client',)",
        "refusals: 1",
        "cancelled: False",
    ],
    "subscribe": [
        "event: name.claimed",
        "flow_run.state.created",
        "flow_run.state.accepted",
        '"status":"ACCEPT"',
        "{'position': 0}",
    ],
    "audit-a-run": ['state_name: "Pending" -> "Running"', "ABORT Cancelling", '"states":[', "Log and archive agree"],
    "testing": [
        "the failed run was run again",
        "wait 28800 seconds",
        "Run is already in terminal state FAILED.",
        "Running 1",
    ],
    "operate-and-upgrade": [
        "antiphon_decisions_total",
        '"status":"ok"',
        "Log position",
        "Log and archive agree",
        "are built again",
    ],
}


def script(guide: Path, running: Started, folder: Path) -> str:
    """The blocks of a guide as one shell script, with this test's addresses in place of the usual ones."""
    host = running.api_url.removeprefix("http://").removesuffix("/api")
    text = guide.read_text().replace("127.0.0.1:4200", host)
    text = text.replace("nats://127.0.0.1:4222", running.status()["nats_url"])
    lines = ["set -eu"]
    for number, (language, block) in enumerate(_BLOCK.findall(text)):
        if language == "python":
            (folder / f"block{number}.py").write_text(block)
            lines.append(f"python block{number}.py")
        else:
            lines.append(block)
    return "\n".join(lines)


@pytest.mark.parametrize("guide", sorted(_GUIDES.glob("*.md")), ids=lambda guide: str(guide.stem))
def test_a_guide_does_what_it_says(guide: Path, running: Started, tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**_ENVIRONMENT, "PATH": path, "ANTIPHON_DATA_DIR": str(running.data)}
    done = subprocess.run(  # noqa: S603
        ["/bin/bash", "-c", script(guide, running, tmp_path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    for words in _EXPECTED[guide.stem]:
        assert words in done.stdout, done.stdout
