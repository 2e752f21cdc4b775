"""Loses the log of a stopped Antiphon or its end, and damages rows of the archive: `antiphon repair` mends both."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import Final

import httpx

from tests.acceptance.server import free_port
from tests.integration.projections.test_archive import execute
from tests.integration.test_start import antiphon, started

_DAMAGED_ROWS: Final = 5
#: `antiphon verify` found a difference.
_DIFFERS: Final = 3


async def damage_and_repair(data: Path, dice: Random, end: int) -> int:
    """Have everything mended that was lost; from the position where the log ended to where it ends at least."""
    older = data.with_name("older")
    shutil.copytree(data / "nats", older)
    with started(data) as subject:
        async with httpx.AsyncClient(timeout=30) as http:
            for number in range(dice.randint(1, 9)):
                answer = await http.post(f"{subject.api_url}/flows/", json={"name": f"lost {number}"})
                answer.raise_for_status()
                end += 1
    shutil.rmtree(data / "nats")
    if dice.random() < 0.5:
        shutil.move(older, data / "nats")
    refused = antiphon("start", "--data-dir", str(data), "--port", str(free_port()))
    assert (refused.returncode, "antiphon repair" in refused.stderr) == (2, True), refused.stderr
    # No policy runs while the log is repaired.
    with started(data, None, "--role", "projector"):
        _repair(data)
        postgres_url = json.loads((data / "run.json").read_text())["postgres_url"]
        positions = ", ".join(str(dice.randint(1, end)) for _ in range(_DAMAGED_ROWS))
        how = dice.choice(("DELETE FROM archive.event", "UPDATE archive.event SET data = data || ' '"))
        await execute(postgres_url, f"{how} WHERE position IN ({positions})")
        assert antiphon("verify", "--data-dir", str(data)).returncode == _DIFFERS
        _repair(data)
    return end


def _repair(data: Path) -> None:
    repaired = antiphon("repair", "--data-dir", str(data))
    assert repaired.returncode == 0, repaired.stderr
    verified = antiphon("verify", "--data-dir", str(data))
    assert verified.returncode == 0, verified.stderr
