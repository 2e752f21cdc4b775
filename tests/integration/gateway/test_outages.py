"""The gateway without NATS or without PostgreSQL: a clear answer, nothing lost, and all is well afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg import sql

from antiphon.projections.as_of.keyframes import carry
from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from tests.integration.gateway.house import RUNNING, Addresses, fresh_key, new_run, states, until_answer
from tests.servers import NatsServer, PostgresServer

DEADLINE_SECONDS = 1.0
UNAVAILABLE = {"exception_message": "Service Unavailable"}


@asynccontextmanager
async def no_postgres(server: PostgresServer, postgres_url: str) -> AsyncIterator[None]:
    """A database that ends its sessions and takes no new ones, until the block ends."""
    name = sql.Identifier(str(psycopg.conninfo.conninfo_to_dict(postgres_url)["dbname"]))
    async with await psycopg.AsyncConnection.connect(server.url_of("postgres"), autocommit=True) as owner:
        await owner.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        ended = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
        await owner.execute(ended.format(sql.Literal(name.as_string().strip('"'))))
        yield
        await owner.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))


async def test_without_nats_writes_are_unavailable_and_safe_to_repeat_and_reads_go_on(
    addresses: Addresses, nats_server: NatsServer
) -> None:
    async with (
        addresses.running(run_policy, run_projector),
        addresses.gateway(DEADLINE_SECONDS) as hasty,
        addresses.gateway() as patient,
    ):
        run_id, key = await new_run(patient), fresh_key()
        path = f"/flow_runs/{run_id}/set_state"
        # Who reads waits for the projection.
        assert await states(patient, run_id) == ["PENDING"]
        nats_server.kill()
        refused = await hasty.post(path, json=RUNNING, headers=key)
        assert (refused.status_code, refused.json()) == (503, UNAVAILABLE)
        assert (await hasty.get("/ready")).status_code == 503
        assert (await hasty.get("/health")).status_code == 200
        read = await hasty.get(f"/flow_runs/{run_id}")
        assert (read.json()["state_type"], read.headers["Antiphon-Projected"]) == ("PENDING", "false")
        nats_server.start()
        moved = await patient.post(path, json=RUNNING, headers=key)
        assert (moved.status_code, moved.json()["status"]) == (201, "ACCEPT")
        assert await states(patient, run_id) == ["PENDING", "RUNNING"]
        await until_answer(lambda: hasty.get("/ready"), 200)


async def test_a_request_waits_for_nats_as_long_as_it_has_time(addresses: Addresses, nats_server: NatsServer) -> None:
    async with addresses.running(run_policy, run_projector), addresses.gateway() as caller:
        run_id = await new_run(caller)
        nats_server.kill()
        moving = asyncio.create_task(caller.post(f"/flow_runs/{run_id}/set_state", json=RUNNING))
        await until_answer(lambda: caller.get("/ready"), 503)
        nats_server.start()
        assert (await moving).status_code == 201
        assert await states(caller, run_id) == ["PENDING", "RUNNING"]


async def test_without_a_policy_writes_are_unavailable(addresses: Addresses) -> None:
    async with addresses.gateway(DEADLINE_SECONDS) as hasty:
        refused = await hasty.post("/flows/", json={"name": "flow"})
        assert (refused.status_code, refused.json()) == (503, UNAVAILABLE)


async def test_a_gateway_whose_first_command_met_no_nats_works_when_it_is_back(
    addresses: Addresses, nats_server: NatsServer
) -> None:
    async with addresses.running(run_policy, run_projector), addresses.gateway(DEADLINE_SECONDS) as caller:
        nats_server.kill()
        assert (await caller.post("/flows/", json={"name": "flow"})).status_code == 503
        nats_server.start()
        await until_answer(lambda: caller.post("/flows/", json={"name": "flow"}), 201)


async def test_without_postgres_reads_are_unavailable_and_decisions_are_made(
    addresses: Addresses, postgres_server: PostgresServer
) -> None:
    async with addresses.running(run_policy, run_projector), addresses.gateway(DEADLINE_SECONDS) as hasty:
        run_id = await new_run(hasty)
        async with no_postgres(postgres_server, addresses.postgres_url):
            refused = await hasty.get(f"/flow_runs/{run_id}")
            assert (refused.status_code, refused.json()) == (503, UNAVAILABLE)
            assert (await hasty.get("/ready")).status_code == 503
            moved = await hasty.post(f"/flow_runs/{run_id}/set_state", json=RUNNING)
            assert (moved.status_code, moved.json()["status"]) == (201, "ACCEPT")
        await until_answer(lambda: hasty.get("/ready"), 200)
        async with asyncio.timeout(20):
            while await states(hasty, run_id) != ["PENDING", "RUNNING"]:
                await asyncio.sleep(0.05)


async def test_a_database_that_lost_its_last_commits_is_not_believed(
    addresses: Addresses, postgres_server: PostgresServer
) -> None:
    async with addresses.running(run_policy), addresses.gateway(DEADLINE_SECONDS) as hasty:
        async with addresses.running(run_projector):
            run_id = await new_run(hasty)
            await hasty.post(f"/flow_runs/{run_id}/set_state", json=RUNNING)
            assert await states(hasty, run_id) == ["PENDING", "RUNNING"]
        # As after a crash: the projector does not wait for the disk, rows and checkpoint are lost together.
        async with await psycopg.AsyncConnection.connect(addresses.postgres_url) as crashed:
            await crashed.execute("SET search_path TO read_v1, observed")
            await carry(crashed, 0)
            await crashed.execute("DELETE FROM flow_run_state WHERE state ->> 'type' = 'RUNNING'")
            await crashed.execute("UPDATE checkpoint SET position = position - 1 WHERE name = 'events'")
        async with no_postgres(postgres_server, addresses.postgres_url):
            assert (await hasty.get(f"/flow_runs/{run_id}")).status_code == 503
        await until_answer(lambda: hasty.get("/ready"), 200)
        read = await hasty.get("/flow_run_states/", params={"flow_run_id": run_id})
        assert ([each["type"] for each in read.json()], read.headers["Antiphon-Projected"]) == (["PENDING"], "false")
        async with addresses.running(run_projector):
            await until_answer(lambda: hasty.post("/flows/", json={"name": "goes on"}), 201)
            read = await hasty.get("/flow_run_states/", params={"flow_run_id": run_id})
        assert [each["type"] for each in read.json()] == ["PENDING", "RUNNING"]
        assert "Antiphon-Projected" not in read.headers


async def test_after_a_restart_of_postgres_no_request_gets_a_connection_from_before(
    addresses: Addresses, postgres_server: PostgresServer
) -> None:
    async with addresses.running(run_policy, run_projector), addresses.gateway() as caller:
        run_id = await new_run(caller)

        async def many_reads() -> list[int]:
            # As many connections as the pool has.
            found = await asyncio.gather(*(caller.get(f"/flow_runs/{run_id}") for _ in range(20)))
            return [answer.status_code for answer in found]

        assert await many_reads() == [200] * 20
        async with no_postgres(postgres_server, addresses.postgres_url):
            pass
        assert await many_reads() == [200] * 20
