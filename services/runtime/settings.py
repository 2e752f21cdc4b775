"""The settings of a process, read from `ANTIPHON_*` environment variables."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import PositiveFloat
from pydantic_settings import BaseSettings, SettingsConfigDict

LogFormat = Literal["auto", "json", "text"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class Settings(BaseSettings):
    """Addresses of the servers and of this process, and its limits."""

    model_config = SettingsConfigDict(env_prefix="ANTIPHON_", frozen=True, extra="forbid")

    #: One or more NATS servers, separated by commas.
    nats_url: str
    #: A libpq URL or conninfo string.
    postgres_url: str
    api_host: str = "127.0.0.1"
    api_port: int = 4200
    #: A query of a reader that takes longer is ended, and answered 503.
    query_timeout_seconds: PositiveFloat = 30.0
    #: Reported events are deleted after this time; like Prefect's PREFECT_SERVER_EVENTS_RETENTION_PERIOD.
    event_retention_days: PositiveFloat = 7.0
    data_dir: Path = Path(".antiphon")
    log_level: LogLevel = "INFO"
    #: `auto` is text on a terminal, JSON elsewhere.
    log_format: LogFormat = "auto"
    #: A pipe into which a process writes once it is connected; the supervisor reads the other end.
    ready_fd: int | None = None
