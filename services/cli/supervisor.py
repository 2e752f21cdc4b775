"""Keeps the roles and the embedded servers of one `antiphon start` running, until asked to stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from antiphon.services.cli import console
from antiphon.services.cli.choices import GATEWAY
from antiphon.services.cli.data_directory import DataDirectory, RoleEntry, RunFile, ServerEntry
from antiphon.services.cli.failures import CannotStartError
from antiphon.services.cli.pause import GrowingPause
from antiphon.services.cli.role_process import RoleProcess
from antiphon.services.runtime import clock
from antiphon.services.runtime.embedded.errors import EmbeddedServerError

_READY_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.2


class Server(Protocol):
    """An embedded server."""

    @property
    def pid(self) -> int | None:
        """Its process id, unless it is stopped."""
        ...

    @property
    def port(self) -> int:
        """The port it listens on."""
        ...

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        ...

    def start(self) -> None:
        """Start, and return when it takes connections."""
        ...


class Supervisor:
    """The processes of one `antiphon start`."""

    def __init__(
        self,
        directory: DataDirectory,
        run: RunFile,
        *,
        modules: Mapping[str, str],
        environment: Mapping[str, str],
        servers: Mapping[str, Server],
        api_port: int,
        errands: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._directory = directory
        self._run = run
        self._servers = servers
        self._api_port = api_port
        self._roles = [
            RoleProcess(role, module, environment, directory.logs / f"{role}.log", self._write_entries)
            for role, module in modules.items()
        ]
        #: Processes that run once, and again only if they failed.
        self._errands = [
            RoleProcess(name, module, environment, directory.logs / f"{name}.log", self._write_entries, until_done=True)
            for name, module in errands.items()
        ]

    async def run(self, is_healthy: Callable[[], Awaitable[bool]], on_ready: Callable[[], None]) -> None:
        """Start everything, call `on_ready` once it works, keep it running until cancelled, then stop the roles.

        Raises CannotStartError when the roles do not become ready in time.
        """
        keeping = [asyncio.create_task(role.keep()) for role in self._roles]
        keeping += [asyncio.create_task(self._keep_server(name, server)) for name, server in self._servers.items()]
        errands: list[asyncio.Task[None]] = []
        try:
            await self._until_ready(is_healthy)
            on_ready()
            errands += [asyncio.create_task(errand.keep()) for errand in self._errands]
            # Cancellation ends this wait, and leaves the tasks alone until their processes have stopped. A task that
            # ends by itself has a bug, which must be seen.
            ended, _ = await asyncio.wait(keeping, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*ended)
        finally:
            await self._stop_roles()
            for task in (*keeping, *errands):
                task.cancel()
            await asyncio.gather(*keeping, *errands, return_exceptions=True)

    async def _until_ready(self, is_healthy: Callable[[], Awaitable[bool]]) -> None:
        late: Sequence[RoleProcess] = self._roles
        deadline = clock.monotonic() + _READY_SECONDS
        while clock.monotonic() < deadline:
            late = [role for role in self._roles if not await _is_up(role, is_healthy)]
            if not late:
                return
            await asyncio.sleep(_POLL_SECONDS / 4)
        role = late[0]
        raise CannotStartError(f"{role.role} is not ready after {_READY_SECONDS:g} s; its log is {role.log}")

    async def _keep_server(self, name: str, server: Server) -> None:
        pause = GrowingPause()
        began = clock.monotonic()
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            if server.is_running:
                continue
            seconds = pause.after(clock.monotonic() - began)
            console.warning(f"{name} ended; starting it again in {seconds:g} s")
            await asyncio.sleep(seconds)
            began = clock.monotonic()
            try:
                # In this thread, although it blocks: the kernel signals the server when the thread that started it
                # ends.
                server.start()
            except EmbeddedServerError as error:
                console.warning(str(error))
            self._write_entries()

    async def _stop_roles(self) -> None:
        first = [role for role in self._roles if role.role == GATEWAY]
        await asyncio.gather(*(role.stop() for role in (*first, *self._errands)))
        await asyncio.gather(*(role.stop() for role in self._roles if role.role != GATEWAY))

    def _write_entries(self) -> None:
        roles = [
            RoleEntry(
                role=role.role,
                pid=role.pid,
                port=self._api_port if role.role == GATEWAY else None,
                started_at=role.started_at.isoformat(),
                restarts=role.restarts,
            )
            for role in (*self._roles, *self._errands)
            if role.pid is not None and role.started_at is not None
        ]
        servers = [
            ServerEntry(name=name, pid=server.pid, port=server.port)
            for name, server in self._servers.items()
            if server.pid is not None
        ]
        self._directory.write(self._run.model_copy(update={"roles": roles, "servers": servers}))


async def answers_health(host: str, port: int) -> bool:
    """Whether the API at this address reports that it is healthy."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET /api/health HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
                return (await reader.readline()).split()[1:2] == [b"200"]
            finally:
                writer.close()
    return False


async def _is_up(role: RoleProcess, is_healthy: Callable[[], Awaitable[bool]]) -> bool:
    if role.role == GATEWAY:
        # Only while our own process lives: another program may have taken the port meanwhile.
        return role.pid is not None and await is_healthy()
    return role.ready.is_set()
