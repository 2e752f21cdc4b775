"""Compares the versions that callers speak (rules.md section 9)."""

from __future__ import annotations


def parse(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: `3.4.11` and `3.0.0rc20` give (3, 4, 11) and (3, 0, 0)."""
    numbers = []
    for part in version.split("."):
        digits = ""
        for character in part:
            if not character.isdigit():
                break
            digits += character
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


def at_least(version: str | None, minimum: tuple[int, ...]) -> bool:
    """Whether a caller speaks `minimum` or newer; one that names no version speaks the newest."""
    return version is None or parse(version) >= minimum
