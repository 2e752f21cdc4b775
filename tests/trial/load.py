"""Lives of flow runs, over NATS and over HTTP, whose callers ask until they are answered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final
from uuid import UUID

import httpx

from antiphon.events.client.client import Client
from antiphon.events.flow_run.commands import SetFlowRunState
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.outcome import Status
from tests.examples import proposed
from tests.integration.policy.lives import MOVES, Life, decide_surely, new_lives

_CALLERS: Final = 16
_PAUSE_SECONDS: Final = 0.1
#: The first transition of every life is asked for over HTTP.
OVER_HTTP: Final = 1


class Load:
    """So many transitions, by callers who repeat a command, with its id, until they hear of its decision."""

    def __init__(self, client: Client, http: httpx.AsyncClient, transitions: int) -> None:
        self._client = client
        self._http = http
        self._lives_left = max(transitions // len(MOVES), 1)
        self.total = self._lives_left
        self.lives: list[Life] = []
        #: The commands that are parked, at least: one whose answer is lost is sent again.
        self.refused = 0

    @property
    def share(self) -> float:
        """How much of it is done."""
        return len(self.lives) / self.total

    async def run(self) -> None:
        """Live all lives."""
        async with asyncio.TaskGroup() as callers:
            for _ in range(_CALLERS):
                callers.create_task(self._call())

    async def _call(self) -> None:
        while self._lives_left > 0:
            self._lives_left -= 1
            (life,) = await self._new_lives()
            for number, command in enumerate(life.commands):
                if number == OVER_HTTP:
                    await self._run(life.run, command.command_id)
                else:
                    outcome = await decide_surely(self._client, command)
                    assert outcome.status in (Status.CREATED, Status.ACCEPT)
            await self._reuse_an_id(life)
            self.lives.append(life)

    async def _reuse_an_id(self, life: Life) -> None:
        """Another command with a known id is never given the first answer."""
        last = life.commands[-1]
        other = replace(last, command=SetFlowRunState(state=proposed("FAILED")))
        assert (await decide_surely(self._client, other)).status is Status.INVALID
        self.refused += 1

    async def _new_lives(self) -> list[Life]:
        while True:
            try:
                return await new_lives(self._client, 1)
            except (OSError, LogUnavailableError):
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _run(self, run: UUID, command_id: UUID) -> None:
        path, key = f"/api/flow_runs/{run}/set_state", {"Idempotency-Key": str(command_id)}
        # What PostgreSQL cannot store is left out, and stops nothing.
        state = {"type": "RUNNING", "message": "a\x00b"}
        answer = await self._surely("POST", path, json={"state": state}, headers=key)
        assert answer.json()["status"] == "ACCEPT", answer.text
        shown = await self._surely("GET", f"/api/flow_runs/{run}")
        state = shown.json()["state"]
        assert (state["type"], state["message"]) == ("RUNNING", "ab"), shown.text

    async def _surely(self, method: str, path: str, **rest: object) -> httpx.Response:
        while True:
            try:
                answer = await self._http.request(method, path, **rest)  # type: ignore[arg-type]
            except httpx.TransportError:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            # What is read may be late, but then it says so.
            if answer.is_server_error or answer.headers.get("Antiphon-Projected") == "false":
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            assert answer.is_success, answer.text
            return answer
