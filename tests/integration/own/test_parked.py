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
from antiphon.events.message import Metadata
from antiphon.events.subjects import Aggregate
from antiphon.projections.as_of.keyframes import carry
from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from antiphon.services.recorder.main import run as run_recorder
from tests.contract.test_parking import appends
from tests.examples import NOW, proposed
from tests.integration.gateway.house import DEADLINE_SECONDS, Addresses
from tests.integration.own.served import OWN, Served, serving
from tests.integration.own.test_stream import move, new_flow, new_run
from tests.parking import park


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
    assert done.json() == {"published_on": subject.replace("ask.", "cmd.")}
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


async def test_commands_that_differ_in_a_header_only_are_both_parked(served: Served, client: NatsClient) -> None:
    subject = subjects.command(Aggregate("flow_run", str(uuid4())), "set_state")
    for actor in ("one", "other"):
        await client.jetstream().publish(subject, b"not json", headers={subjects.ACTOR: actor})
    messages = ParkedMessages(client)

    async def are_parked() -> bool:
        return await messages.count() == 2

    await until(are_parked)
    assert [parked.headers[subjects.ACTOR] for parked in await messages.page(0, 10)] == ["one", "other"]


async def test_observations_that_are_equal_are_both_parked_and_counted_once_each(
    addresses: Addresses, client: NatsClient
) -> None:
    for _ in range(2):
        await client.jetstream().publish(subjects.observation("task_run", str(uuid4())), b"not json")
        await client.jetstream().publish(subjects.observation("log", "x"), b"not json")
    messages = ParkedMessages(client)

    async def are_parked() -> bool:
        return await messages.count() >= 4

    # One that ends without an acknowledgement or a checkpoint, and one that goes on.
    for role in (run_recorder, run_projector, run_recorder, run_projector):
        async with addresses.running(role):
            await asyncio.sleep(0)
    async with addresses.running(run_recorder, run_projector):
        await until(are_parked)
    # The recorder reads task runs twice: for the log, and for the table of events.
    assert sorted((group.consumer, group.kind, group.count) for group in await messages.groups()) == [
        ("projector", "obs.log", 2),
        ("recorder", "obs.task_run", 2),
    ]


async def test_an_event_stream_that_waits_is_shown_until_it_is_healed(addresses: Addresses, client: NatsClient) -> None:
    async with serving(addresses) as served:
        async with addresses.running(run_policy, run_projector):
            run_id = await new_run(served, await new_flow(served, "waits"))
            await move(served, run_id, "RUNNING")
            # Who reads waits for the projection.
            assert (await served.http.get(f"/api/flow_runs/{run_id}")).json()["state_type"] == "RUNNING"
        stream = subjects.event_stream(Aggregate("flow_run", run_id)).removesuffix(".>")
        await _forget(addresses, run_id, stream)
        path = f"{OWN}/parked/event_streams"
        async with addresses.running(run_policy, run_projector):
            await move(served, run_id, "COMPLETED")
            # It waits, and so does what came later.
            assert (await served.http.get(f"/api/flow_runs/{run_id}")).json()["state_type"] == "PENDING"
            assert await ParkedMessages(client).drop_all() == 0
            (waiting,) = (await served.http.get(path)).json()["event_streams"]
            assert {name: waiting[name] for name in ("event_stream", "position", "reason", "error", "waiting")} == {
                "event_stream": stream,
                "position": 4,
                "reason": "unreadable",
                "error": "a fault of an earlier version",
                "waiting": 1,
            }
            summary = (await served.http.get(f"{OWN}/parked")).json()
            assert (summary["event_streams"], summary["waiting_events"]) == (1, 1)
            assert summary["event_stream_groups"] == [
                {"reason": "unreadable", "kind": "flow_run", "event_streams": 1, "waiting_events": 1}
            ]
            numbers = (await served.http.get(f"{OWN}/status")).json()
            assert (numbers["parked_event_streams"], numbers["parked_waiting_events"]) == (1, 1)
            assert (await served.http.post(f"{path}/{stream}/heal")).json() == {"events": 2}
            assert (await served.http.get(path)).json() == {"event_streams": [], "next": None}
            shown = (await served.http.get(f"/api/flow_runs/{run_id}")).json()
            assert (shown["state_type"], shown["run_count"]) == ("COMPLETED", 1)
            again = await served.http.post(f"{path}/{stream}/heal")
            assert (again.status_code, again.headers["content-type"]) == (409, "application/problem+json")


async def _forget(addresses: Addresses, run_id: str, stream: str) -> None:
    """Make the read models what they were, had the fourth event of the log not been understood."""
    async with await psycopg.AsyncConnection.connect(addresses.postgres_url, autocommit=True) as connection:
        await connection.execute("SET search_path TO read_v1")
        await carry(connection, 0)
        await connection.execute(
            "INSERT INTO parked_aggregate (subject, position, reason, error)"
            " VALUES (%s, 4, 'unreadable', 'a fault of an earlier version')",
            (stream,),
        )
        await connection.execute(
            "UPDATE flow_run SET state_type = 'PENDING', run_count = 0, start_time = NULL WHERE id = %s", (run_id,)
        )
        await connection.execute("DELETE FROM flow_run_state WHERE state ->> 'type' = 'RUNNING'")


async def test_pages_of_event_streams_follow_each_other(served: Served, addresses: Addresses) -> None:
    streams = [f"evt.flow_run.{uuid4()}" for _ in range(5)]
    async with await psycopg.AsyncConnection.connect(addresses.postgres_url, autocommit=True) as connection:
        await connection.execute("SET search_path TO read_v1")
        await carry(connection, 0)
        for position, stream in enumerate(streams, 1):
            await connection.execute(
                "INSERT INTO parked_aggregate (subject, position, reason, error) VALUES (%s, %s, 'unreadable', '')",
                (stream, position),
            )
    found, after = list[str](), 0
    while after is not None:
        answer = await served.http.get(f"{OWN}/parked/event_streams", params={"after": after, "limit": 2})
        page = answer.json()
        found += [item["event_stream"] for item in page["event_streams"]]
        after = page["next"]
    assert found == streams


async def test_a_burst_of_what_cannot_be_read_takes_few_appends(addresses: Addresses, client: NatsClient) -> None:
    commands, observations = 2000, 1000
    jetstream = client.jetstream()
    for number in range(commands):
        subject = subjects.command(Aggregate("flow_run", str(uuid4())), "set_state")
        await client.publish(subject, b"not json", headers={"n": str(number)})
    for number in range(observations):
        await client.publish(subjects.observation("task_run", str(uuid4())), b"not json", headers={"n": str(number)})
        await client.publish(subjects.observation("log", "x"), b"not json", headers={"n": str(number)})
    await client.flush()
    flow = codec.encode(CreateFlow(data={"name": "behind them"}))
    await jetstream.publish(subjects.command(Aggregate("flow", str(uuid4())), "create"), flow)
    messages = ParkedMessages(client)

    async def are_parked() -> bool:
        return await messages.count() == commands + 2 * observations

    async with serving(addresses) as served, addresses.running(run_policy, run_recorder, run_projector):
        await until(are_parked)
        page = (await served.http.get(f"{OWN}/parked")).json()
        assert {(group["consumer"], group["kind"]): group["count"] for group in page["groups"]} == {
            ("policy", "cmd.flow_run"): commands,
            ("recorder", "obs.task_run"): observations,
            ("projector", "obs.log"): observations,
        }
        assert (page["count"], len(page["parked"]), page["next"]) == (4000, 100, page["parked"][-1]["sequence"])

        async def is_decided() -> bool:
            return bool((await served.http.post("/api/flows/count", json={})).json() == 1)

        await until(is_decided)
    assert await appends(client) < 100


async def test_what_cannot_be_replayed_stays(served: Served, client: NatsClient) -> None:
    messages = ParkedMessages(client)
    await park(client, "policy", "cmd.flow.x.create", None, b"x" * 9_000_000, "too large")
    await park(client, "reactor", f"evt.flow_run.{uuid4()}.created", None, b"1", "the log has it")
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
