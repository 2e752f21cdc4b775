"""Names for unnamed runs, made from the run's id, so that a repeated decision gives the same name."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random
from typing import Final
from uuid import UUID

import coolname
from coolname.loader import load_config

#: Words that do not belong in the name of a run.
_UNWANTED: Final = frozenset({"sexy", "demonic"})


@cache
def _generator() -> tuple[coolname.RandomGenerator, Random]:
    dice = Random()  # noqa: S311  names are not secrets
    words = load_config(str(Path(coolname.__file__).parent / "data"))
    return coolname.RandomGenerator(words, dice), dice


def generated_name(run_id: UUID) -> str:
    """Two words joined by a hyphen, the same for the same id."""
    generator, dice = _generator()
    dice.seed(run_id.int)
    words = generator.generate(2)
    while _UNWANTED.intersection(words):
        words = generator.generate(2)
    return "-".join(words)
