"""Every process is found on NATS, by a client that knows nothing of Antiphon."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final
from uuid import uuid4

import httpx
import nats
import pytest
from nats.aio.client import Client as NatsClient

from antiphon.events.client.client import Client
from antiphon.events.document.commands import CreateFlow
from antiphon.services.gateway import main as gateway
from antiphon.services.gateway.context import connected
from antiphon.services.policy import main as policy
from antiphon.services.projector import main as projector
from antiphon.services.reactor import main as reactor
from antiphon.services.recorder import main as recorder
from antiphon.services.runtime.settings import Settings
from antiphon.services.timekeeper import main as timekeeper
from tests.acceptance.server import free_port
from tests.integration import in_process
from tests.integration.gateway.house import DEADLINE_SECONDS, Addresses

ROLES: Final = {"policy", "projector", "gateway", "recorder", "reactor", "timekeeper"}


async def asked(connection: NatsClient, subject: str, count: int) -> list[dict[str, Any]]:
    """So many answers to one question, which is asked again until that many are there to answer it."""
    inbox = connection.new_inbox()
    subscription = await connection.subscribe(inbox)
    answers: dict[str, dict[str, Any]] = {}
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(answers) < count:
            await connection.publish(subject, reply=inbox)
            try:
                while len(answers) < count:
                    data = (await subscription.next_msg(timeout=0.5)).data
                    # The server says so, without a body, when nobody is there yet.
                    answer = json.loads(data) if data else {}
                    answers |= {answer["id"]: answer} if answer else {}
            except TimeoutError:
                continue
    await subscription.unsubscribe()
    return list(answers.values())


@asynccontextmanager
async def house(addresses: Addresses) -> AsyncIterator[NatsClient]:
    """All roles, and somebody who asks."""
    settings = Settings(nats_url=addresses.nats_url, postgres_url=addresses.postgres_url, api_port=free_port())
    roles = (role.run for role in (policy, projector, gateway, recorder, reactor, timekeeper))
    async with in_process.running(settings, *roles):
        connection = await nats.connect(addresses.nats_url)
        try:
            yield connection
        finally:
            await connection.close()


async def test_every_process_says_who_it_is_what_it_does_and_how_much(addresses: Addresses) -> None:
    async with house(addresses) as connection:
        pings = await asked(connection, "$SRV.PING", len(ROLES))
        assert {ping["name"] for ping in pings} == {f"antiphon-{role}" for role in ROLES}
        assert {ping["type"] for ping in pings} == {"io.nats.micro.v1.ping_response"}
        (info,) = await asked(connection, "$SRV.INFO.antiphon-policy", 1)
        assert [(item["name"], item["subject"], item["queue_group"]) for item in info["endpoints"]] == [
            ("decide", "ask.>", "policy")
        ]
        await Client(connection, timeout_seconds=DEADLINE_SECONDS).decide(uuid4(), CreateFlow(data={"name": "found"}))
        subject = f"$SRV.STATS.antiphon-policy.{info['id']}"
        async with asyncio.timeout(DEADLINE_SECONDS):
            # The sender is answered before the policy counts.
            while not (counted := (await asked(connection, subject, 1))[0]["endpoints"][0])["num_requests"]:
                await asyncio.sleep(0.01)
        assert (counted["num_requests"], counted["num_errors"], counted["data"]) == (1, 0, {"batches": 1})
        assert counted["processing_time"] == counted["average_processing_time"] > 0
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (await asked(connection, "$SRV.STATS.antiphon-projector", 1))[0]["endpoints"][0]["num_requests"] < 2:
                await asyncio.sleep(0.01)
        (stats,) = await asked(connection, "$SRV.STATS.antiphon-gateway", 1)
        assert stats["metadata"]["url"].startswith("http://127.0.0.1:")
        assert stats["endpoints"][0]["data"] == {"batches": 0, "decisions": {}, "late": 0}


async def test_a_gateway_tells_how_many_reads_were_late(addresses: Addresses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "connected", partial(connected, deadline_seconds=0.3))
    settings = Settings(nats_url=addresses.nats_url, postgres_url=addresses.postgres_url, api_port=free_port())
    async with in_process.running(settings, policy.run, gateway.run), await nats.connect(addresses.nats_url) as client:
        await asked(client, "$SRV.PING", 2)
        await Client(client, timeout_seconds=DEADLINE_SECONDS).decide(uuid4(), CreateFlow(data={"name": "unseen"}))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.api_port}/api") as caller:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while not await is_served(caller):
                    await asyncio.sleep(0.02)
            late = await caller.post("/flows/count", json={})
            assert late.headers["Antiphon-Projected"] == "false"
            (stats,) = await asked(client, "$SRV.STATS.antiphon-gateway", 1)
            assert stats["endpoints"][0]["data"]["late"] == 1


async def is_served(caller: httpx.AsyncClient) -> bool:
    try:
        return (await caller.get("/health")).is_success
    except httpx.ConnectError:
        return False


async def test_nobody_makes_a_process_write_elsewhere_than_into_his_inbox(addresses: Addresses) -> None:
    async with house(addresses) as connection:
        await asked(connection, "$SRV.PING", len(ROLES))
        before = (await connection.jetstream().stream_info("EVENTS")).state.last_seq
        await connection.publish("$SRV.PING", reply="evt.flow.x.created")
        await asked(connection, "$SRV.PING", len(ROLES))
        assert (await connection.jetstream().stream_info("EVENTS")).state.last_seq == before
