"""The Antiphon that a command works on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Installation:
    """A data directory, and the servers that were named instead of those that run on it."""

    data_dir: Path
    given_nats_url: str | None = None
    given_postgres_url: str | None = None

    @property
    def nats_url(self) -> str:
        """The address of NATS; raises NotRunningError where none was named and none runs."""
        if self.given_nats_url:
            return self.given_nats_url
        from antiphon.services.cli.data_directory import DataDirectory

        return DataDirectory(self.data_dir).read().nats_url

    @property
    def postgres_url(self) -> str:
        """The address of PostgreSQL; raises NotRunningError where none was named and none runs."""
        if self.given_postgres_url:
            return self.given_postgres_url
        from antiphon.services.cli.data_directory import DataDirectory

        return DataDirectory(self.data_dir).read().postgres_url
