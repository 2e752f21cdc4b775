"""Read models that are built again beside the live ones: while they are used, broken off, and by an upgrade."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from faststream.nats import NatsBroker
from nats.aio.client import Client as NatsClient

from antiphon.events import subjects
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.port import Draft
from antiphon.projections.as_of.keyframes import carry
from antiphon.projections.core.migrate import SCHEMA, VERSION, migrate
from antiphon.projections.engine.parked_streams import page
from antiphon.projections.engine.writer import acquire_lock, connect, position_of, release_lock, try_lock
from antiphon.projections.rebuild.rebuild import Rebuild, RebuildError, RebuildProgress, is_outdated
from antiphon.projections.rebuild.shadow_schema import NEXT, OLD, Built, built
from antiphon.services.cli import handover
from antiphon.services.policy.main import run as policy
from antiphon.services.projector.events import EventsLoop
from antiphon.services.projector.main import run as projector_role
from antiphon.services.runtime.embedded import child
from tests.examples import run_created
from tests.integration.gateway.house import Addresses, new_run, states
from tests.integration.projections.conftest import Projector
from tests.integration.projections.fold import folded_rows, shown_rows
from tests.integration.projections.test_crash_points import announcements, append_lives, until_heard
from tests.integration.projections.test_projector import DEADLINE_SECONDS, drafts, life, reached
from tests.integration.test_start import antiphon, started
from tests.log import append_to
from tests.servers import PostgresServer, fresh_database

CALLERS = 4
REBUILDS = 3


async def execute(postgres_url: str, statement: str) -> None:
    async with await connect(postgres_url) as connection:
        await carry(connection, 0)
        await connection.execute(statement.encode())


async def in_schema(postgres_url: str, schema: str) -> Built | None:
    async with await connect(postgres_url) as connection:
        return await built(connection, schema)


async def schemas(postgres_url: str) -> set[str]:
    async with await connect(postgres_url) as connection:
        found = await connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'read%'")
        return {name for (name,) in await found.fetchall()}


class Load:
    """Callers who write, read what they have just written, and delete, until they are told to stop."""

    def __init__(self, caller: httpx.AsyncClient) -> None:
        self._caller = caller
        self._is_enough = False
        self.requests = 0
        self.lines = 0

    async def call(self) -> None:
        while not self._is_enough:
            run_id = await new_run(self._caller)
            for kind in ("RUNNING", "COMPLETED"):
                await self._post(f"/flow_runs/{run_id}/set_state", {"state": {"type": kind}})
                # Read your writes, whatever is going on.
                assert (await states(self._caller, run_id))[-1] == kind
            line = {"name": "x", "level": 20, "message": "y", "timestamp": "2026-11-21T08:00:00Z"}
            await self._post("/logs/", [{**line, "flow_run_id": str(uuid4())}])
            self.lines += 1
            if self.lines % 5 == 0:
                assert (await self._caller.delete(f"/flow_runs/{run_id}")).status_code == 204
                assert (await self._caller.get(f"/flow_runs/{run_id}")).status_code == 404

    async def _post(self, path: str, body: Any) -> None:
        answer = await self._caller.post(path, json=body)
        assert answer.is_success, answer.text
        self.requests += 1

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as callers:
            for _ in range(CALLERS):
                callers.create_task(self.call())
            yield
            self._is_enough = True


async def test_nobody_notices_a_rebuild_and_its_rows_are_those_of_the_log(
    client: NatsClient, nats_url: str, postgres_url: str, postgres_server: PostgresServer
) -> None:
    house, log = Addresses(nats_url, postgres_url), JetStreamLog(client)
    async with house.running(policy, projector_role), house.gateway() as caller:
        load = Load(caller)
        async with load.going_on():
            for _ in range(REBUILDS):
                enough = load.requests + 50
                async with asyncio.timeout(DEADLINE_SECONDS):
                    while load.requests < enough:
                        await asyncio.sleep(0.02)
                # What is wrong in the live rows is right in the new ones.
                await execute(postgres_url, "UPDATE flow SET name = 'tampered with'")
                await Rebuild(log, postgres_url, request_handover=handover.request_handover(client)).run()
        last = await log.last_position()
        await reached(postgres_url, last)
        lines = (await client.jetstream().stream_info(subjects.OBSERVED)).state.last_seq
        async with asyncio.timeout(DEADLINE_SECONDS), await connect(postgres_url) as connection:
            while await position_of(connection, "observed") < lines:
                await asyncio.sleep(0.02)
            found = await (await connection.execute("SELECT count(*) FROM log")).fetchone()
        assert found == (load.lines,)
    with fresh_database(postgres_server) as empty:
        assert await shown_rows(postgres_url) == await folded_rows(log, empty)
    assert await schemas(postgres_url) == {SCHEMA}


async def test_a_rebuild_that_is_killed_is_gone_on_with(
    client: NatsClient, projector: Projector, nats_url: str, postgres_url: str
) -> None:
    last = await append_lives(client, 30)
    projector.start()
    await reached(postgres_url, last)
    projector.kill()
    async with await connect(postgres_url) as holder:
        # It fills its tables, and waits for the turn.
        await acquire_lock(holder, "events")
        command = child.ending_with_parent([sys.executable, "-m", "antiphon.services.cli.main", "rebuild"])
        environment = os.environ | {"ANTIPHON_NATS_URL": nats_url, "ANTIPHON_POSTGRES_URL": postgres_url}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: ASYNC220, S603
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while await waiting(holder) == 0:
                    await asyncio.sleep(0.02)
            with pytest.raises(RebuildError, match="another rebuild is at work"):
                await Rebuild(JetStreamLog(client), postgres_url).run()
        finally:
            process.kill()
            process.wait()
        await release_lock(holder, "events")
    before = await in_schema(postgres_url, NEXT)
    assert await in_schema(postgres_url, SCHEMA) == Built(VERSION, last)
    last = await append_lives(client, 5)
    told: list[RebuildProgress] = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        # The server may not have noticed yet that the killed one is gone.
        while await is_at_work(postgres_url):
            await asyncio.sleep(0.02)
    assert await Rebuild(JetStreamLog(client), postgres_url, progress=told.append).run() == last
    assert before is not None
    assert told[0].position > before.position
    assert await in_schema(postgres_url, SCHEMA) == Built(VERSION, last)


async def waiting(connection: psycopg.AsyncConnection[Any]) -> int:
    found = await connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    row = await found.fetchone()
    return int(row[0]) if row else 0


async def is_at_work(postgres_url: str) -> bool:
    async with await connect(postgres_url) as connection:
        return not await try_lock(connection, "rebuild")


@pytest.mark.parametrize(
    "left", ["UPDATE read_next.built SET version = 0", "DROP TABLE read_next.built",
             "UPDATE read_next.checkpoint SET position = 999"],
)  # fmt: skip
async def test_what_cannot_be_gone_on_with_is_taken_away(client: NatsClient, postgres_url: str, left: str) -> None:
    last = await append_lives(client, 2)
    await migrate(postgres_url, NEXT)
    await execute(postgres_url, "INSERT INTO read_next.checkpoint VALUES ('events', 3)")
    await execute(postgres_url, left)
    told: list[RebuildProgress] = []
    assert await Rebuild(JetStreamLog(client), postgres_url, progress=told.append).run() == last
    async with await connect(postgres_url) as connection:
        assert await (await connection.execute("SELECT count(*) FROM flow_run")).fetchone() == (2,)


async def test_what_was_observed_stays_where_it_is(client: NatsClient, postgres_url: str) -> None:
    query = b"SELECT 'log'::regclass::oid, 'worker'::regclass::oid, 'poll'::regclass::oid"
    await append_lives(client, 2)
    async with await connect(postgres_url) as connection:
        before = await (await connection.execute(query)).fetchone()
        await connection.commit()
        await Rebuild(JetStreamLog(client), postgres_url).run()
        assert await (await connection.execute(query)).fetchone() == before


async def test_old_tables_can_be_kept_until_they_are_discarded(client: NatsClient, postgres_url: str) -> None:
    last, log = await append_lives(client, 2), JetStreamLog(client)
    await Rebuild(log, postgres_url).run()
    await Rebuild(log, postgres_url).run(keep_old=True)
    assert await in_schema(postgres_url, OLD) == await in_schema(postgres_url, SCHEMA) == Built(VERSION, last)
    assert await Rebuild(log, postgres_url).discard() is None
    assert await schemas(postgres_url) == {SCHEMA}
    assert await in_schema(postgres_url, SCHEMA) == Built(VERSION, last)


async def test_projectors_that_wait_for_their_turn_let_a_rebuild_go_first(
    broker: NatsBroker, client: NatsClient, postgres_url: str
) -> None:
    last = await append_lives(client, 3)
    projectors = [asyncio.create_task(_again_and_again(broker, client, postgres_url)) for _ in range(3)]
    async with announcements(client, "events") as heard:
        await until_heard(heard, last)
        work = Rebuild(JetStreamLog(client), postgres_url, request_handover=handover.request_handover(client))
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert await work.run() == last
        await until_heard(heard, await append_lives(client, 1))
        assert sorted(heard) == heard
    for task in projectors:
        task.cancel()
    await asyncio.gather(*projectors, return_exceptions=True)


async def _again_and_again(broker: NatsBroker, client: NatsClient, postgres_url: str) -> None:
    while True:
        await EventsLoop(broker, client, postgres_url).run()


async def test_what_waits_is_what_the_new_rows_cannot_show(client: NatsClient, postgres_url: str) -> None:
    impossible, readable_now = life(), life()
    impossible[0] = drafts(impossible[0].aggregate, run_created(parameters={"x": "a\x00b"}))[0]
    last = (await append_to(JetStreamLog(client), [*impossible, *readable_now]))[-1]
    await execute(postgres_url, f"INSERT INTO checkpoint VALUES ('events', {last})")  # noqa: S608
    async with await connect(postgres_url) as connection:
        await carry(connection, 0)
        await connection.execute(
            "INSERT INTO parked_aggregate (subject, position, reason, error) VALUES (%s, 5, 'unreadable', 'then')",
            (event_stream(readable_now),),
        )
    await Rebuild(JetStreamLog(client), postgres_url).run()
    async with await connect(postgres_url) as connection:
        (stream,) = await page(connection, 0, 10)
    assert (stream.event_stream, stream.position, stream.reason) == (event_stream(impossible), 1, "unwritable")
    assert stream.waiting == len(impossible) - 1


def event_stream(events: list[Draft]) -> str:
    return subjects.event_stream(events[0].aggregate).removesuffix(".>")


async def test_no_function_looks_in_a_schema_of_its_own(client: NatsClient, postgres_url: str) -> None:
    """Its schema gets another name when it becomes the live one."""
    async with await connect(postgres_url) as connection:
        found = await connection.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = %s::regnamespace AND proconfig IS NOT NULL", (SCHEMA,)
        )
        assert await found.fetchall() == []


async def test_an_upgrade_builds_again_what_another_version_made(
    client: NatsClient, projector: Projector, nats_url: str, postgres_url: str, open_path: Path
) -> None:
    run = life()
    last = (await append_to(JetStreamLog(client), run))[-1]
    projector.start()
    await reached(postgres_url, last)
    projector.kill()
    await execute(postgres_url, "UPDATE built SET version = 0")
    await execute(postgres_url, "UPDATE flow_run SET name = 'old'")
    options = ("--nats-url", nats_url, "--postgres-url", postgres_url, "--role", "projector")
    with started(open_path / "data", None, *options):
        async with asyncio.timeout(DEADLINE_SECONDS):
            while await is_outdated(postgres_url):
                await asyncio.sleep(0.1)
    async with await connect(postgres_url) as connection:
        found = await connection.execute("SELECT name FROM flow_run WHERE id = %s", (UUID(run[0].aggregate.id),))
        assert await found.fetchone() != ("old",)


async def test_rows_of_a_newer_version_are_never_built_again_by_an_older_one(
    client: NatsClient, postgres_url: str
) -> None:
    await append_lives(client, 1)
    await execute(postgres_url, f"UPDATE built SET version = {VERSION + 1}")  # noqa: S608
    assert not await is_outdated(postgres_url)
    with pytest.raises(RebuildError, match=f"version {VERSION + 1} built the live read models"):
        await Rebuild(JetStreamLog(client), postgres_url).run()
    await execute(postgres_url, f"UPDATE built SET version = {VERSION - 1}")  # noqa: S608
    assert await is_outdated(postgres_url)


def test_only_what_follows_from_the_log_can_be_built_again() -> None:
    assert antiphon("rebuild", "observed").returncode == 2
