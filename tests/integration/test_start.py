"""`antiphon start`, `status` and `stop`, as a user meets them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from antiphon.services.cli.choices import ROLES
from antiphon.services.runtime.embedded import child
from tests.acceptance.server import free_port
from tests.servers import NatsServer, open_folder, until

_ANTIPHON = str(Path(sys.executable).with_name("antiphon"))
_ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("ANTIPHON_")}
_START_SECONDS = 90


def antiphon(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [_ANTIPHON, *arguments], env=_ENVIRONMENT, capture_output=True, text=True, timeout=_START_SECONDS, check=False
    )


class Started:
    """A running `antiphon start`."""

    def __init__(self, data: Path, port: int, *options: str) -> None:
        self.data = data
        self.api_url = f"http://127.0.0.1:{port}/api"
        self._stdout = data.with_name("stdout")
        command = [_ANTIPHON, "start", "--data-dir", str(data), "--port", str(port), *options]
        with self._stdout.open("w") as stdout, data.with_name("stderr").open("w") as stderr:
            self.process = subprocess.Popen(  # noqa: S603
                # Ended with this test run, however that ends.
                child.ending_with_parent(command, on_parent_death=signal.SIGTERM),
                env=_ENVIRONMENT,
                stdout=stdout,
                stderr=stderr,
            )
        until(lambda: "ready" in self.stdout or self.process.poll() is not None, _START_SECONDS)
        assert self.process.poll() is None, data.with_name("stderr").read_text()

    @property
    def stdout(self) -> str:
        return self._stdout.read_text()

    def status(self) -> dict[str, Any]:
        result = antiphon("status", "--json", "--data-dir", str(self.data))
        assert result.returncode == 0, result.stderr
        status: dict[str, Any] = json.loads(result.stdout)
        return status

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@contextmanager
def started(data: Path, port: int | None = None, *options: str) -> Iterator[Started]:
    subject = Started(data, port or free_port(), *options)
    try:
        yield subject
    finally:
        if subject.process.poll() is None:
            subject.process.terminate()
        subject.process.wait(60)


def assert_all_end(processes: list[psutil.Process]) -> None:
    def left() -> list[psutil.Process]:
        return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]

    until(lambda: not left())


@pytest.fixture(scope="module")
def running() -> Iterator[Started]:
    with open_folder() as folder, started(folder / "data") as subject:
        yield subject


def test_the_last_line_is_the_address_of_an_api_that_answers(running: Started) -> None:
    assert running.stdout == f"Antiphon is ready: {running.api_url}\n"
    assert httpx.get(f"{running.api_url}/health").json() is True


def test_status_tells_what_runs_where(running: Started) -> None:
    status = running.status()
    assert {process["role"] for process in status["processes"]} == set(ROLES)
    family = {process.pid for process in running.family()}
    assert {process["pid"] for process in (*status["processes"], *status["servers"])} <= family
    assert status["api_url"] == running.api_url
    assert status["log_position"] >= 0
    assert {lag["reader"] for lag in status["lag"]} == {
        "policy", "events", "observed", "presence", "archive", "recorder", "reactor-observed", "reactor-scheduled",
        "events-observed"
    }  # fmt: skip
    assert status["trouble"] == []


def test_status_has_a_form_for_people(running: Started) -> None:
    result = antiphon("status", "--data-dir", str(running.data))
    assert result.returncode == 0
    for word in (*ROLES, running.api_url, "nats-server", "postgres", "Log position", "lag"):
        assert word in result.stdout


def test_nothing_catches_up_forever(running: Started) -> None:
    httpx.post(f"{running.api_url}/flows/", json={"name": "lagging"}).raise_for_status()
    until(lambda: {lag["lag"] for lag in running.status()["lag"]} == {0})
    assert running.status()["log_position"] > 0


def test_a_second_start_on_the_same_directory_is_refused(running: Started) -> None:
    result = antiphon("start", "--data-dir", str(running.data), "--port", str(free_port()))
    assert result.returncode == 2
    assert result.stdout == ""
    assert f"already running on {running.data} (process {running.process.pid})" in result.stderr
    assert httpx.get(f"{running.api_url}/health").json() is True


def test_a_busy_port_is_refused(running: Started, tmp_path: Path) -> None:
    port = running.api_url.split(":")[2].removesuffix("/api")
    result = antiphon("start", "--data-dir", str(tmp_path / "data"), "--port", port)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert f"Antiphon cannot start: port {port} on 127.0.0.1 cannot be used" in result.stderr


@pytest.mark.parametrize("role", ROLES)
def test_a_killed_role_is_replaced_and_the_system_goes_on(running: Started, role: str) -> None:
    before = {process["role"]: process for process in running.status()["processes"]}
    os.kill(before[role]["pid"], signal.SIGKILL)

    def replaced() -> bool:
        now = {process["role"]: process for process in running.status()["processes"]}
        return role in now and now[role]["restarts"] == before[role]["restarts"] + 1

    until(replaced)

    def works() -> bool:
        try:
            return httpx.post(f"{running.api_url}/flows/", json={"name": f"after-{role}"}, timeout=20).is_success
        except httpx.TransportError:
            return False

    until(works)


def test_stop_ends_everything_and_the_next_start_continues(open_path: Path) -> None:
    with started(open_path / "data") as first:
        created = httpx.post(f"{first.api_url}/flows/", json={"name": "kept"}).json()
        family = first.family()
        result = antiphon("stop", "--data-dir", str(first.data))
        assert (result.returncode, result.stdout) == (0, f"Antiphon has stopped (process {first.process.pid})\n")
        assert first.process.wait(10) == 0
        assert_all_end(family)
        assert antiphon("status", "--data-dir", str(first.data)).returncode == 1
    with started(open_path / "data") as second:
        assert httpx.get(f"{second.api_url}/flows/{created['id']}").json() == created


def test_ctrl_c_ends_everything_with_exit_code_0(open_path: Path) -> None:
    with started(open_path / "data") as subject:
        family = subject.family()
        subject.process.send_signal(signal.SIGINT)
        assert subject.process.wait(60) == 0
        assert_all_end(family)


def test_a_killed_supervisor_leaves_nothing_and_the_next_start_continues(open_path: Path) -> None:
    port = free_port()
    with started(open_path / "data", port) as first:
        created = httpx.post(f"{first.api_url}/flows/", json={"name": "kept"}).json()
        family = first.family()
        first.process.kill()
        first.process.wait()
    # At once, while the predecessor's processes may still be ending.
    with started(open_path / "data", port) as second:
        assert_all_end(family)
        assert httpx.get(f"{second.api_url}/flows/{created['id']}").json() == created


def test_servers_of_ones_own_are_used_instead(open_path: Path, nats_server: NatsServer, postgres_url: str) -> None:
    options = ("--nats-url", nats_server.url, "--postgres-url", postgres_url)
    with started(open_path / "data", None, *options) as subject:
        status = subject.status()
        assert status["servers"] == []
        assert status["nats_url"] == nats_server.url
        assert httpx.post(f"{subject.api_url}/flows/", json={"name": "elsewhere"}).is_success


def test_a_part_of_the_roles_can_be_run_alone(open_path: Path) -> None:
    with started(open_path / "data", None, "--role", "projector,policy") as subject:
        assert subject.stdout == "Antiphon is ready: policy, projector\n"
        assert {process["role"] for process in subject.status()["processes"]} == {"policy", "projector"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ("--nats-url", "nats://user:secret@127.0.0.1:1"),
            "NATS at nats://127.0.0.1:1 cannot be used: Connection refused",
        ),
        (("--postgres-url", "postgresql://user:secret@127.0.0.1:1/x"), "PostgreSQL at 127.0.0.1:1 cannot be used"),
        (("--postgres-url", "nonsense"), "PostgreSQL at the given --postgres-url cannot be used"),
        (("--host", "192.0.2.1"), "on 192.0.2.1 cannot be used"),
    ],
)
def test_what_cannot_be_reached_is_one_sentence_and_exit_code_2(
    open_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    result = antiphon("start", "--data-dir", str(open_path / "data"), "--port", str(free_port()), *options)
    assert result.returncode == 2
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Antiphon cannot start: ")
    assert sentence in last
    assert "Traceback" not in result.stderr
    assert "secret" not in result.stderr


def test_a_data_directory_that_cannot_be_written_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = antiphon("start", "--data-dir", str(tmp_path / "file"), "--port", str(free_port()))
    assert result.returncode == 2
    assert result.stderr == (
        f"Antiphon cannot start: cannot write in the data directory {tmp_path / 'file'}: Not a directory\n"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as another user")
def test_a_closed_folder_is_one_sentence_and_exit_code_2(open_path: Path) -> None:
    closed = open_path / "home"
    closed.mkdir(mode=0o700)
    arguments = ("start", "--data-dir", str(closed / "a" / "data"), "--port", str(free_port()))
    result = antiphon(*arguments)
    assert result.returncode == 2
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Antiphon cannot start: PostgreSQL does not run as root, and its user embedded_postgres")
    assert f"may not enter {closed}" in last
    assert f"`chmod o+x {closed}`" in last
    assert "Traceback" not in result.stderr
