"""One Antiphon for all commands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.test_start import Started, started


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """Run everything, embedded."""
    with started(tmp_path_factory.mktemp("cli") / "data") as subject:
        yield subject
