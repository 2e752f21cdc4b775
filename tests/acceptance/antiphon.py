"""Antiphon, started from outside as its users start it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.server import Server, free_port, running


@contextmanager
def running_antiphon(directory: Path, *options: str, **settings: str) -> Iterator[Server]:
    """Run `antiphon start` with everything embedded, until the block ends; `directory` may hold a former one's data.

    Settings are given in the environment, such as `api_port` as ANTIPHON_API_PORT.
    """
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    api_url = f"http://127.0.0.1:{port}/api"
    log = directory / "antiphon.log"
    announcement = f"Antiphon is ready: {api_url}"
    # Beside the interpreter that runs the tests: the same installation.
    command = [str(Path(sys.executable).with_name("antiphon")), "start"]
    command += ["--data-dir", str(directory / "data"), "--port", str(port), *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANTIPHON_", "PREFECT_"))}
    environment |= {f"ANTIPHON_{name.upper()}": value for name, value in settings.items()}

    def announced() -> bool:
        return announcement in log.read_text(errors="replace")

    with running(command, environment=environment, log=log, ready=announced):
        yield Server("antiphon", api_url, log)
