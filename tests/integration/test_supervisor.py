"""The supervisor: starts roles, keeps them running, tells where they are, stops them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest

from antiphon.services.cli import supervisor as supervising
from antiphon.services.cli.choices import GATEWAY
from antiphon.services.cli.data_directory import DataDirectory, RoleEntry, RunFile
from antiphon.services.cli.failures import CannotStartError
from antiphon.services.cli.supervisor import Supervisor
from tests.servers import NatsServer

_MODULE = "tests.integration.roles.waiting"


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


class Running:
    """A supervisor at work."""

    def __init__(self, directory: DataDirectory, task: asyncio.Task[None]) -> None:
        self.directory = directory
        self.task = task

    @property
    def roles(self) -> dict[str, RoleEntry]:
        return {entry.role: entry for entry in self.directory.read().roles}

    def log(self, role: str) -> str:
        return (self.directory.logs / f"{role}.log").read_text()


@asynccontextmanager
async def running(nats_server: NatsServer, path: Path, *roles: str) -> AsyncIterator[Running]:
    directory = DataDirectory(path / "data")
    run = RunFile(
        pid=os.getpid(),
        started_at="",
        api_url=None,
        nats_url=nats_server.url,
        postgres_url="none",
        servers=[],
        roles=[],
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "ANTIPHON_NATS_URL": nats_server.url,
        "ANTIPHON_POSTGRES_URL": "none",
        "WAITING_FAILS": str(path / "fails"),
    }
    ready = asyncio.Event()
    with directory.locked():
        subject = Supervisor(
            directory,
            run,
            modules=dict.fromkeys(roles, _MODULE),
            environment=environment,
            servers={"nats-server": nats_server},
            api_port=0,
        )
        task = asyncio.create_task(subject.run(_never, ready.set))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        try:
            yield Running(directory, task)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, CannotStartError):
                await task


async def _never() -> bool:
    return False


async def test_roles_are_ready_known_and_stopped(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server, tmp_path, "one", "two") as antiphon:
        roles = antiphon.roles
        assert set(roles) == {"one", "two"}
        processes = [psutil.Process(entry.pid) for entry in roles.values()]
        assert [_MODULE in process.cmdline() for process in processes] == [True, True]
        assert antiphon.directory.read().servers[0].pid == nats_server.pid
    assert not any(process.is_running() for process in processes)
    assert "role stopped" in antiphon.log("one")
    assert "role stopped" in antiphon.log("two")


async def test_a_killed_role_is_started_again(
    nats_server: NatsServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(nats_server, tmp_path, "one", "two") as antiphon:
        before = antiphon.roles
        os.kill(before["one"].pid, signal.SIGKILL)
        await until(lambda: "one" in antiphon.roles and antiphon.roles["one"].restarts == 1)
        after = antiphon.roles
        assert after["one"].pid != before["one"].pid
        assert after["two"] == before["two"]
        await until(lambda: antiphon.log("one").count("role waits") == 2)
    assert "one was ended by SIGKILL; starting it again in 0.2 s" in capsys.readouterr().err


async def test_a_role_that_keeps_failing_is_retried_with_a_growing_pause_until_it_works(
    nats_server: NatsServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(nats_server, tmp_path, "one") as antiphon:
        (tmp_path / "fails").touch()
        os.kill(antiphon.roles["one"].pid, signal.SIGKILL)
        await until(lambda: antiphon.log("one").count("role failed") >= 2)
        (tmp_path / "fails").unlink()
        await until(lambda: antiphon.log("one").count("role waits") == 2)
    said = capsys.readouterr().err
    assert "ended with exit code 1; starting it again in 0.4 s" in said
    assert "ended with exit code 1; starting it again in 0.8 s" in said
    assert "one: role failed: OutOfOrderError" in said


async def test_roles_that_never_become_ready_end_the_start(
    nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "_READY_SECONDS", 2.0)
    (tmp_path / "fails").touch()
    async with running(nats_server, tmp_path, GATEWAY) as antiphon:
        with pytest.raises(CannotStartError, match=r"gateway is not ready after 2 s; its log is .*gateway\.log"):
            await antiphon.task


async def test_a_killed_server_is_started_again(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server, tmp_path, "one") as antiphon:
        pid, address, role = nats_server.pid, nats_server.url, antiphon.roles["one"]
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: antiphon.directory.read().servers[0].pid != pid and nats_server.is_running)
        assert nats_server.url == address
        await until(lambda: "reconnected to NATS" in antiphon.log("one"))
        assert antiphon.roles["one"] == role
