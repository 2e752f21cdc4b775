"""Starts, watches and stops one role process, and keeps its log."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping
from datetime import datetime
from logging import Formatter, makeLogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final, cast

from antiphon.services.cli import console
from antiphon.services.cli.pause import GrowingPause
from antiphon.services.runtime import clock
from antiphon.services.runtime.embedded import child

_STOP_SECONDS: Final = 15.0
_LOG_BYTES: Final = 10_000_000
_LOG_FILES: Final = 3
_LONGEST_LINE: Final = 4 * 1024 * 1024
_SHOWN_LEVELS: Final = frozenset({"warning", "error", "critical"})


class RoleProcess:
    """A role and its present process."""

    def __init__(
        self,
        role: str,
        module: str,
        environment: Mapping[str, str],
        log: Path,
        changed: Callable[[], None],
        *,
        until_done: bool = False,
    ) -> None:
        self.role = role
        self.log = log
        self.restarts = 0
        self.started_at: datetime | None = None
        #: Set when a process of the role has reported that it is connected.
        self.ready = asyncio.Event()
        self._module = module
        self._environment = environment
        self._changed = changed
        self._until_done = until_done
        self._process: Process | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """The process id; None between two starts."""
        return self._process.pid if self._process else None

    async def keep(self) -> None:
        """Run the role until `stop`, and start it again when it dies; an errand ends with exit code 0."""
        pause = GrowingPause()
        while not self._stopping:
            began = clock.monotonic()
            code = await self._run_once()
            if self._stopping or (self._until_done and code == 0):
                return
            seconds = pause.after(clock.monotonic() - began)
            console.warning(f"{self.role} {_ending(code)}; starting it again in {seconds:g} s. Its log: {self.log}")
            await asyncio.sleep(seconds)
            self.restarts += 1

    async def stop(self) -> None:
        """Ask the process to stop, and kill it after a time-out; `keep` returns."""
        self._stopping = True
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            console.warning(f"{self.role} did not stop within {_STOP_SECONDS:g} s; killing it")
            process.kill()
            await process.wait()

    async def _run_once(self) -> int:
        read_end, write_end = os.pipe()
        loop = asyncio.get_running_loop()
        loop.add_reader(read_end, self._hear, read_end)
        try:
            try:
                process = await self._spawn(write_end)
            finally:
                os.close(write_end)
            self._process = process
            self.started_at = clock.now()
            self._changed()
            if self._stopping:
                # `stop` was called during the start.
                process.terminate()
            await _keep_log(self.role, cast("asyncio.StreamReader", process.stdout), self.log)
            return await process.wait()
        finally:
            self._process = None
            self._changed()
            if loop.remove_reader(read_end):
                os.close(read_end)

    def _hear(self, read_end: int) -> None:
        # The process is connected, or has ended before.
        if os.read(read_end, 16):
            self.ready.set()
        asyncio.get_running_loop().remove_reader(read_end)
        os.close(read_end)

    async def _spawn(self, write_end: int) -> Process:
        # -P: a module in the working directory must not hide an installed one.
        command = child.ending_with_parent([sys.executable, "-P", "-m", self._module], on_parent_death=signal.SIGKILL)
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=_LONGEST_LINE,
            env={**self._environment, "ANTIPHON_READY_FD": str(write_end)},
            pass_fds=(write_end,),
            process_group=0,
        )


async def _keep_log(role: str, lines: asyncio.StreamReader, path: Path) -> None:
    """Write the output of a role to its log, and its warnings and errors to the console too."""
    handler = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES)
    handler.setFormatter(Formatter("%(message)s"))
    try:
        while line := await lines.readline():
            text = line.decode(errors="replace").rstrip("\n")
            handler.emit(makeLogRecord({"msg": text}))
            shown = _shown(text)
            if shown is not None:
                console.warning(f"{role}: {shown}")
    finally:
        handler.close()


def _shown(line: str) -> str | None:
    try:
        entry = json.loads(line)
    except ValueError:
        # Not one of our log lines: output of the interpreter or a C library.
        return line
    if not isinstance(entry, dict) or entry.get("level") not in _SHOWN_LEVELS:
        return None
    cause = str(entry.get("exception", "")).strip().splitlines()[-1:]
    return ": ".join([str(entry.get("event", line)), *cause])


def _ending(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
