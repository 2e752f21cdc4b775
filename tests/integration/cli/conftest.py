"""One Antiphon for all commands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.test_start import Started, started
from tests.servers import open_folder


@pytest.fixture(scope="package")
def running() -> Iterator[Started]:
    """Run everything, embedded."""
    with open_folder() as folder, started(folder / "data") as subject:
        yield subject
