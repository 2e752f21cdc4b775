"""`docs/benchmarks.md`: each benchmark has its part, and leaves those of the others as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[2]
DOCUMENT: Final = REPOSITORY / "docs/benchmarks.md"
#: The parts behind the one that `make bench` writes, in their order.
PARTS: Final = ("queries", "growth", "writes")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = [header, ["-" * max(width, 3) for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def with_main(text: str, main: str) -> str:
    """A document with another main part."""
    return _assembled(main, {name: found for name in PARTS if (found := _part(text, name)) is not None})


def with_part(text: str, name: str, content: str) -> str:
    """A document with another part of this name."""
    parts = {each: found for each in PARTS if (found := _part(text, each)) is not None}
    main = re.split(r"^<!-- part: ", text, maxsplit=1, flags=re.MULTILINE)[0]
    return _assembled(main, parts | {name: content})


def _part(text: str, name: str) -> str | None:
    found = re.search(rf"^<!-- part: {name} -->\n(.*?)(?=^<!-- part: |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    return found[1] if found else None


def _assembled(main: str, parts: dict[str, str]) -> str:
    ordered = [f"<!-- part: {name} -->\n{parts[name].strip()}\n" for name in PARTS if name in parts]
    return "\n".join([f"{main.strip()}\n", *ordered])
