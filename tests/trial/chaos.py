"""Ends processes of a started Antiphon, again and again, and builds its read models again meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from itertools import cycle
from typing import Final

from tests.integration.test_start import Started
from tests.trial.load import Load

_POLL_SECONDS: Final = 0.1
#: At least, however fast the load is done: one of each role.
_KILLS: Final = 2
_REBUILD: Final = (sys.executable, "-m", "antiphon.services.cli.main", "rebuild", "--data-dir")


class Chaos:
    """What goes on beside the load."""

    def __init__(self, antiphon: Started, load: Load, pause_seconds: float) -> None:
        self._antiphon = antiphon
        self._load = load
        self._pause_seconds = pause_seconds
        self.kills = 0
        self.rebuilds: list[int] = []

    async def run(self) -> None:
        """Until the load is done; every part of it happens once at least."""
        async with asyncio.TaskGroup() as parts:
            killing = parts.create_task(self._kill_roles())
            await self._restart("nats-server", 0.25, signal.SIGKILL)
            rebuilding = parts.create_task(self._rebuild())
            # As after a crash of the machine: it has to recover.
            await self._restart("postgres", 0.6, signal.SIGQUIT)
            await rebuilding
            await self._until(1)
            while self.kills < _KILLS:
                await asyncio.sleep(_POLL_SECONDS)
            killing.cancel()

    async def _until(self, share: float) -> None:
        while self._load.share < share:
            await asyncio.sleep(_POLL_SECONDS)

    async def _kill_roles(self) -> None:
        for role in cycle(("projector", "policy")):
            await asyncio.sleep(self._pause_seconds)
            await self._until_something_went_on()
            status = await asyncio.to_thread(self._antiphon.status)
            for process in status["processes"]:
                if process["role"] == role:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process["pid"], signal.SIGKILL)
                    self.kills += 1

    async def _until_something_went_on(self) -> None:
        """On a slow machine a role would else be killed while it starts, again and again."""
        before = self._load.share
        while self._load.share == before < 1:
            await asyncio.sleep(_POLL_SECONDS)

    async def _restart(self, name: str, share: float, how: signal.Signals) -> None:
        await self._until(share)
        status = await asyncio.to_thread(self._antiphon.status)
        (pid,) = (server["pid"] for server in status["servers"] if server["name"] == name)
        os.kill(pid, how)

    async def _rebuild(self) -> None:
        """One that fails, because PostgreSQL went away, is gone on with."""
        while not self.rebuilds or self.rebuilds[-1] != 0:
            process = await asyncio.create_subprocess_exec(*_REBUILD, str(self._antiphon.data))
            try:
                self.rebuilds.append(await process.wait())
            finally:
                if process.returncode is None:
                    process.kill()
            await asyncio.sleep(_POLL_SECONDS)
