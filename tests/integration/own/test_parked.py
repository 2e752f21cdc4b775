"""What nobody could handle is counted, shown, handed out again and dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import nats
import psycopg
import pytest
from nats.aio.client import Client as NatsClient

from antiphon.events import codec, subjects
from antiphon.events.document.commands import CreateFlow
from antiphon.events.flow_run.commands import SetFlowRunState
from antiphon.events.log.nats.parked import CannotReplayError, ParkedMessages
from antiphon.events.log.nats.parking import park
from antiphon.events.message import Metadata
from antiphon.events.subjects import Aggregate
from antiphon.projections.as_of.keyframes import carry
from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from tests.examples import NOW, proposed
from tests.integration.gateway.house import DEADLINE_SECONDS, Addresses
from tests.integration.own.served import OWN, Served, serving
from tests.integration.own.test_stream import move, new_flow, new_run


@pytest.fixture
async def client(addresses: Addresses) -> AsyncIterator[NatsClient]:
    connection = await nats.connect(addresses.nats_url)
    yield connection
    await connection.close()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await condition():
            await asyncio.sleep(0.02)


async def listed(served: Served) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await served.http.get(f"{OWN}/parked")).json()["parked"]
    return found


async def test_a_command_that_cannot_be_read_is_listed_shown_and_dropped(served: Served, client: NatsClient) -> None:
    subject = subjects.command(Aggregate("flow_run", str(uuid4())), "set_state")
    await client.jetstream().publish(subject, b"not json", headers={subjects.COMMAND_ID: str(uuid4())})
    messages = ParkedMessages(client)

    async def is_parked() -> bool:
        return await messages.count() == 1

    await until(is_parked)
    (parked,) = await listed(served)
    assert (parked["consumer"], parked["subject"], parked["bytes"], parked["is_whole"]) == ("policy", subject, 8, True)
    assert "not a SetFlowRunState" in parked["error"]
    path = f"{OWN}/parked/{parked['sequence']}"
    assert (await served.http.get(path)).json()["body"] == "not json"
    assert (await served.http.delete(path)).status_code == 204
    assert await listed(served) == []
    for method, address in (("GET", path), ("DELETE", path), ("POST", f"{path}/replay")):
        answer = await served.http.request(method, address)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_a_command_is_decided_when_it_is_replayed(served: Served, client: NatsClient) -> None:
    run_id = await new_run(served, await new_flow(served, "parked"))
    metadata = Metadata(command_id=uuid4(), occurred_at=NOW, actor="somebody")
    # What a policy with a fault put aside: a question, whose sender does not wait any more.
    subject = subjects.request(Aggregate("flow_run", run_id), "set_state")
    headers = codec.command_headers(metadata) | {subjects.REPLY_TO: "gone"}
    command = codec.encode(SetFlowRunState(state=proposed("RUNNING")))
    await park(client, "policy", subject, headers, command, "it raised")
    (parked,) = await listed(served)
    done = await served.http.post(f"{OWN}/parked/{parked['sequence']}/replay")
    assert done.json() == {"done": f"published on {subject.replace('ask.', 'cmd.')}"}
    assert await listed(served) == []

    async def is_running() -> bool:
        return bool((await served.http.get(f"/api/flow_runs/{run_id}")).json()["state_type"] == "RUNNING")

    await until(is_running)
    entry = (await served.http.get(f"{OWN}/flow_runs/{run_id}/history")).json()[-1]
    assert (entry["command_id"], entry["actor"]) == (str(metadata.command_id), "somebody")


async def test_invariant_10_a_command_that_fails_again_at_once_is_parked_again(
    served: Served, client: NatsClient
) -> None:
    subject = subjects.command(Aggregate("flow", str(uuid4())), "create")
    await client.jetstream().publish(subject, b"[]", headers={subjects.COMMAND_ID: str(uuid4())})
    messages = ParkedMessages(client)
    for sequence in (1, 2, 3):

        async def is_parked(sequence: int = sequence) -> bool:
            return await messages.get(sequence) is not None

        await until(is_parked)
        assert await messages.count() == 1
        found = await messages.get(sequence)
        assert found is not None
        await messages.replay(found)


async def test_an_event_stream_that_waits_goes_on_where_it_stopped(addresses: Addresses, client: NatsClient) -> None:
    messages = ParkedMessages(client)
    async with serving(addresses) as served:
        async with addresses.running(run_policy, run_projector):
            run_id = await new_run(served, await new_flow(served, "waits"))
            await move(served, run_id, "RUNNING")
            # Who reads waits for the projection.
            assert (await served.http.get(f"/api/flow_runs/{run_id}")).json()["state_type"] == "RUNNING"
        stream = subjects.event_stream(Aggregate("flow_run", run_id)).removesuffix(".>")
        await _forget(addresses, run_id, stream)
        await park(client, "projector", f"{stream}.state.accepted", None, b"4", "a fault of an earlier version")
        async with addresses.running(run_policy, run_projector):
            await move(served, run_id, "COMPLETED")
            # It waits, and so does what came later.
            assert (await served.http.get(f"/api/flow_runs/{run_id}")).json()["state_type"] == "PENDING"
            assert await messages.count() == 2
            done = await served.http.post(f"{OWN}/parked/1/replay")
            assert done.json() == {"done": f"projected 2 events of {stream}"}
            assert await messages.count() == 0
            shown = (await served.http.get(f"/api/flow_runs/{run_id}")).json()
            assert (shown["state_type"], shown["run_count"]) == ("COMPLETED", 1)
            assert (await served.http.post(f"{OWN}/parked/1/replay")).status_code == 404


async def _forget(addresses: Addresses, run_id: str, stream: str) -> None:
    """Make the read models what they were, had the fourth event of the log not been understood."""
    async with await psycopg.AsyncConnection.connect(addresses.postgres_url, autocommit=True) as connection:
        await connection.execute("SET search_path TO read_v1")
        await carry(connection, 0)
        await connection.execute("INSERT INTO parked_aggregate VALUES (%s, 4)", (stream,))
        await connection.execute(
            "UPDATE flow_run SET state_type = 'PENDING', run_count = 0, start_time = NULL WHERE id = %s", (run_id,)
        )
        await connection.execute("DELETE FROM flow_run_state WHERE state ->> 'type' = 'RUNNING'")


async def test_what_cannot_be_replayed_stays(served: Served, client: NatsClient) -> None:
    messages = ParkedMessages(client)
    await park(client, "policy", "cmd.flow.x.create", None, b"x" * 9_000_000, "too large")
    await park(client, "projector", f"evt.flow_run.{uuid4()}.created", None, b"1", "does not wait")
    await park(client, "elsewhere", "other.subject", None, b"1", "what is that?")
    for sequence in (1, 2, 3):
        answer = await served.http.post(f"{OWN}/parked/{sequence}/replay")
        assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
        found = await messages.get(sequence)
        assert found is not None
        with pytest.raises(CannotReplayError):
            await messages.replay(found)
    page = (await served.http.get(f"{OWN}/parked", params={"limit": 1, "after": 1})).json()
    assert (page["count"], [item["sequence"] for item in page["parked"]]) == (3, [2])


async def test_names_of_commands_are_kept_when_they_are_parked(client: NatsClient) -> None:
    """Headers that JetStream would take for its own come back under their names."""
    headers = codec.command_headers(Metadata(command_id=uuid4(), occurred_at=NOW))
    command = codec.encode(CreateFlow(data={"name": "x"}))
    await park(client, "policy", "cmd.flow.x.create", headers, command, "why\nnot")
    found = await ParkedMessages(client).get(1)
    assert found is not None
    assert {name: found.headers[name] for name in headers} == headers
    assert (found.data, found.error) == (command, "why not")


async def test_a_place_that_no_message_can_have_is_a_problem(served: Served) -> None:
    for sequence in ("-1", "0", "9223372036854775808", "9" * 30):
        path = f"{OWN}/parked/{sequence}"
        answers = [
            await served.http.get(path),
            await served.http.post(f"{path}/replay"),
            await served.http.delete(path),
        ]
        answers.append(await served.http.get(f"{OWN}/parked", params={"after": f"{sequence}{'9' * 19}"}))
        assert {answer.status_code for answer in answers} == {422}, sequence
