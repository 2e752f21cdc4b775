"""Compares the versions that callers name (docs/prefect/rules.md, section 9)."""

from __future__ import annotations

from functools import lru_cache

from packaging.version import InvalidVersion, Version


@lru_cache
def release(version: str) -> tuple[int, ...]:
    """The numbers of a version: `3.0.0rc20` gives (3, 0, 0); an invalid version gives none."""
    try:
        return Version(version).release
    except InvalidVersion:
        return ()


def at_least(version: str | None, minimum: tuple[int, ...]) -> bool:
    """Whether a caller has version `minimum` or a later one; without a version it has the latest."""
    return version is None or release(version) >= minimum
