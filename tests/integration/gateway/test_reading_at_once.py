"""A read asks the read models while the log tells where it ends, and once more where that was too early."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.events.flow_run.commands import SetFlowRunState
from antiphon.events.outcome import Status
from antiphon.events.state import ProposedState, StateType
from antiphon.services.gateway.consistency.log_end import AskEarly
from antiphon.services.gateway.context import Gateway
from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from tests.integration.gateway.house import Addresses, new_run

SCOPE = {"type": "http", "method": "POST", "path": "/api/flow_runs/count"}


class Reader:
    """Reads the state of one run, and counts how often that was asked."""

    def __init__(self, gateway: Gateway, run_id: str) -> None:
        self._gateway = gateway
        self._run_id = run_id
        self.has_asked = asyncio.Event()
        self.asked = 0

    async def state(self) -> str:
        """What a request is answered."""
        found = ""

        async def app(*_: Any) -> None:
            nonlocal found
            found = await self._gateway.read(self._query)

        await AskEarly(app, self._gateway.end_of_log)(SCOPE, None, None)  # type: ignore[arg-type]  # neither is asked
        return found

    async def _query(self, connection: AsyncConnection[Any]) -> str:
        row = await (
            await connection.execute("SELECT state_type FROM flow_run WHERE id = %s", [self._run_id])
        ).fetchone()
        self.asked += 1
        self.has_asked.set()
        return str(row and row[0])


async def _move(gateway: Gateway, run_id: str, state: StateType) -> None:
    outcome = await gateway.commands.decide(UUID(run_id), SetFlowRunState(state=ProposedState(type=state)))
    assert outcome.status is Status.ACCEPT


async def _find_still(reader: Reader) -> None:
    """Read until it is taken for granted that nothing is outstanding; no query is put twice."""
    for number in range(1, 33):
        assert await reader.state() == "PENDING"
        assert reader.asked == number


async def test_what_was_asked_too_early_is_asked_again(addresses: Addresses) -> None:
    async with (
        addresses.running(run_policy),
        addresses.gateway() as caller,
        addresses.standing(addresses.settings) as gateway,
    ):
        async with addresses.running(run_projector):
            run_id = await new_run(caller)
            reader = Reader(gateway, run_id)
            await _find_still(reader)
        reader.asked = 0
        reader.has_asked.clear()
        await _move(gateway, run_id, StateType.RUNNING)
        answer = asyncio.create_task(reader.state())
        async with asyncio.timeout(20):
            await reader.has_asked.wait()
        async with addresses.running(run_projector):
            assert await answer == "RUNNING"
            assert reader.asked == 2


async def test_while_something_is_outstanding_nothing_is_asked_twice(addresses: Addresses) -> None:
    async with (
        addresses.running(run_policy),
        addresses.gateway() as caller,
        addresses.standing(addresses.settings, deadline_seconds=0.2) as gateway,
    ):
        async with addresses.running(run_projector):
            run_id = await new_run(caller)
            reader = Reader(gateway, run_id)
            await _find_still(reader)
        await _move(gateway, run_id, StateType.RUNNING)
        # It notices that something is outstanding.
        reader.asked = 0
        assert await reader.state() == "PENDING"
        assert reader.asked == 2
        reader.asked = 0
        assert await reader.state() == "PENDING"
        assert reader.asked == 1
