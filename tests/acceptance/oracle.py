"""The oracle: a genuine Prefect server, from a virtual environment of its own.

It runs on PostgreSQL: on SQLite, writers that come at once wait for each other for half a minute, and NULLs sort and
times are rounded in another way than where Prefect is deployed in earnest.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.server import Server, answers_health, free_port, running

_REPOSITORY = Path(__file__).parents[2]

#: Services that act on a timer would make two runs of one script differ; they have no part in what is compared here.
_SERVICES_OFF = (
    "CANCELLATION_CLEANUP",
    "CLEANUP_RECONCILER",
    "FOREMAN",
    "LATE_RUNS",
    "PAUSE_EXPIRATIONS",
    "REPOSSESSOR",
    "SCHEDULER",
    "TRIGGERS",
)


def oracle_venv() -> Path:
    """Return the virtual environment that holds the genuine Prefect."""
    return Path(os.environ.get("ANTIPHON_ORACLE_VENV", _REPOSITORY / ".venv-prefect"))


def prefect_environment(home: Path) -> dict[str, str]:
    """Return the environment of a Prefect process that shares nothing with the user's own settings."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    return kept | {
        "DO_NOT_TRACK": "1",
        "HOME": str(home),
        "PREFECT_HOME": str(home),
        "PREFECT_LOGGING_COLORS": "false",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@contextmanager
def running_oracle(directory: Path, database_url: str) -> Iterator[Server]:
    """Run a genuine server on an empty database."""
    port = free_port()
    api_url = f"http://127.0.0.1:{port}/api"
    home = directory / "home"
    home.mkdir(parents=True, exist_ok=True)
    log = directory / "server.log"
    environment = prefect_environment(home) | {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database_url.replace("postgresql:", "postgresql+asyncpg:"),
        # Some events that are asked for are said to have occurred months ago.
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P400D",
        "PREFECT_SERVER_LOGS_STREAM_OUT_ENABLED": "true",
        "PREFECT_SERVER_LOGS_STREAM_PUBLISHING_ENABLED": "true",
        **{f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in _SERVICES_OFF},
    }
    # The module, not the venv's script: its first line would hold the path where the venv was made.
    command = [str(oracle_venv() / "bin/python"), "-m", "prefect", "server", "start"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--no-ui"]
    with running(command, environment=environment, log=log, ready=lambda: answers_health(api_url)):
        yield Server("prefect", api_url, log)
