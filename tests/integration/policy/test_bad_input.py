"""What anybody may publish on NATS: parked, answered where there is somebody to answer, and the policy goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg

from antiphon.events import codec, subjects
from antiphon.events.client.client import Client
from antiphon.events.document.commands import CreateFlow
from antiphon.events.flow_run.commands import CreateFlowRun, SetFlowRunState
from antiphon.events.log.nats.parking import ERROR, ORIGINAL_LENGTH, ORIGINAL_SUBJECT
from antiphon.events.message import Command, Metadata
from antiphon.events.outcome import Outcome, Status
from antiphon.events.subjects import Aggregate
from tests.examples import NOW, proposed
from tests.log import read_all

pytestmark = pytest.mark.usefixtures("policy")

DEADLINE_SECONDS = 20
RUN = uuid4()
CREATE = subjects.command(Aggregate("flow_run", str(RUN)), "create")

UNREADABLE = {
    "unknown kind": (subjects.command(Aggregate("colour", str(RUN)), "create"), b"{}", "there is no command"),
    "unknown verb": (subjects.command(Aggregate("flow_run", str(RUN)), "paint"), b"{}", "there is no command"),
    "not JSON": (CREATE, b"\xff\x00 not json", "the body is not a CreateFlowRun"),
    "empty": (CREATE, b"", "the body is not a CreateFlowRun"),
    "wrong type": (CREATE, b'{"flow_id": 7}', "flow_id"),
    "unknown field": (CREATE, b'{"flow_id": "%b", "colour": 1}' % str(RUN).encode(), "colour"),
    "half a text": (CREATE, b'{"flow_id": "%b", "name": "\\ud800"}' % str(RUN).encode(), "the body is not"),
    "too few tokens": ("cmd.flow_run", b"{}", "is not of the form"),
    "too many tokens": (CREATE + ".again", b"{}", "there is no command"),
    "huge": (CREATE, b"x" * 5_000_000, "the body is not a CreateFlowRun"),
}
HEADERS = {
    "an id that is none": {subjects.COMMAND_ID: "7", subjects.OCCURRED_AT: NOW.isoformat()},
    "a time without a zone": {subjects.COMMAND_ID: str(RUN), subjects.OCCURRED_AT: "2026-01-01T00:00:00"},
    "a correlation that is none": {
        subjects.COMMAND_ID: str(RUN),
        subjects.OCCURRED_AT: NOW.isoformat(),
        subjects.CORRELATION_ID: "x",
    },
}

Ask = Callable[[str, bytes, dict[str, str]], Awaitable[Outcome]]


@pytest.fixture(params=["queued", "asked"])
def ask(request: pytest.FixtureRequest, connection: NatsClient) -> Ask:
    """Send a command, through the queue or as a question, and wait for its answer."""

    async def through_the_queue(subject: str, data: bytes, headers: dict[str, str]) -> Outcome:
        inbox = connection.new_inbox()
        answers = await connection.subscribe(inbox)
        await connection.jetstream().publish(subject, data, headers={**headers, subjects.REPLY_TO: inbox})
        answer = await answers.next_msg(timeout=DEADLINE_SECONDS)
        return Outcome.model_validate_json(answer.data)

    async def as_a_question(subject: str, data: bytes, headers: dict[str, str]) -> Outcome:
        await listening(connection)
        question = "ask" + subject.removeprefix("cmd")
        answer = await connection.request(question, data, headers=headers, timeout=DEADLINE_SECONDS)
        return Outcome.model_validate_json(answer.data)

    return through_the_queue if request.param == "queued" else as_a_question


async def listening(connection: NatsClient) -> None:
    """Return when a policy takes questions."""
    await Client(connection).decide(uuid4(), CreateFlow(data={}))


def headers_of(command_id: UUID) -> dict[str, str]:
    return codec.command_headers(Metadata(command_id=command_id, occurred_at=NOW))


async def parked(connection: NatsClient, position: int) -> Msg:
    """A message of the stream PARKED, once it is there."""
    subscription = await connection.jetstream().subscribe("parked.policy.>", ordered_consumer=True)
    async with asyncio.timeout(DEADLINE_SECONDS):
        messages = [await subscription.next_msg(timeout=DEADLINE_SECONDS) for _ in range(position)]
    await subscription.unsubscribe()
    return messages[-1]


async def queue_is_empty(connection: NatsClient) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (await connection.jetstream().stream_info(subjects.COMMANDS)).state.messages:
            await asyncio.sleep(0.01)


async def goes_on(client: Client) -> None:
    """The policy still decides, from the queue and for those who ask."""
    outcome = await client.decide(uuid4(), CreateFlow(data={"name": f"flow {uuid4()}"}))
    assert outcome.status is Status.CREATED
    run, flow_id = uuid4(), UUID(outcome.aggregate_id)
    command_id = await client.publish(run, CreateFlowRun(flow_id=flow_id))
    again = await client.decide(run, CreateFlowRun(flow_id=flow_id), command_id=command_id)
    assert again.status is Status.CREATED


@pytest.mark.parametrize("case", UNREADABLE)
async def test_invariant_10_what_cannot_be_read_is_parked_and_answered(
    ask: Ask, client: Client, connection: NatsClient, case: str
) -> None:
    subject, data, why = UNREADABLE[case]
    command_id = uuid4()
    outcome = await ask(subject, data, headers_of(command_id))
    assert (outcome.status, outcome.command_id) == (Status.INVALID, command_id)
    assert why in (outcome.reason or "")
    kept = await parked(connection, 1)
    assert kept.data == data
    assert kept.headers is not None
    assert kept.headers[ORIGINAL_SUBJECT].partition(".")[2] == subject.partition(".")[2]
    assert why in kept.headers[ERROR]
    await queue_is_empty(connection)
    await goes_on(client)


@pytest.mark.parametrize("case", HEADERS)
async def test_invariant_10_a_command_with_broken_headers_is_parked(
    client: Client, connection: NatsClient, case: str
) -> None:
    data = codec.encode(CreateFlowRun(flow_id=RUN))
    await connection.jetstream().publish(CREATE, data, headers=HEADERS[case])
    kept = await parked(connection, 1)
    assert kept.data == data
    await queue_is_empty(connection)
    await goes_on(client)


async def test_what_is_no_command_is_parked_also_without_any_headers(client: Client, connection: NatsClient) -> None:
    await connection.jetstream().publish(CREATE, b"{}")
    assert (await parked(connection, 1)).data == b"{}"
    await goes_on(client)


async def test_good_commands_among_bad_ones_are_all_decided_in_order(client: Client, connection: NatsClient) -> None:
    flow = await client.decide(uuid4(), CreateFlow(data={"name": "flow"}))
    run, commands = uuid4(), list[Command]()
    commands.append(CreateFlowRun(flow_id=UUID(flow.aggregate_id)))
    commands += [SetFlowRunState(state=proposed("RUNNING")) for _ in range(50)]
    ids = []
    for number, command in enumerate(commands):
        await connection.publish(CREATE, b"bad %d" % number, headers=headers_of(uuid4()))
        ids.append(await client.publish(run, command))
    last = await client.decide(run, commands[-1], command_id=ids[-1])
    assert last.status is Status.ACCEPT
    await parked(connection, len(commands))
    events = await read_all(client._log, Aggregate("flow_run", str(run)))
    assert [item.metadata.command_id for item in events] == ids


async def test_a_command_whose_event_does_not_fit_into_a_message_is_answered(
    ask: Ask, client: Client, connection: NatsClient
) -> None:
    flow = await client.decide(uuid4(), CreateFlow(data={"name": "flow"}))
    command = CreateFlowRun(flow_id=UUID(flow.aggregate_id), parameters={"x": "y" * (connection.max_payload - 550)})
    subject = subjects.command(Aggregate("flow_run", str(uuid4())), "create")
    outcome = await ask(subject, codec.encode(command), headers_of(uuid4()))
    assert outcome.status is Status.INVALID
    assert "too large" in (outcome.reason or "")
    await queue_is_empty(connection)
    await goes_on(client)


async def test_a_message_that_is_just_not_too_large_is_parked(connection: NatsClient, client: Client) -> None:
    await listening(connection)
    headers = headers_of(uuid4())
    data = b"x" * (connection.max_payload - 250)
    answer = await connection.request("ask" + CREATE.removeprefix("cmd"), data, headers=headers, timeout=30)
    assert Outcome.model_validate_json(answer.data).status is Status.INVALID
    kept = await parked(connection, 1)
    assert (kept.headers or {})[ORIGINAL_LENGTH] == str(len(data))
    assert data.startswith(kept.data)
    await goes_on(client)


async def test_a_command_of_five_megabytes_is_decided(ask: Ask, client: Client) -> None:
    flow = await client.decide(uuid4(), CreateFlow(data={"name": "flow"}))
    command = CreateFlowRun(flow_id=UUID(flow.aggregate_id), parameters={"x": "y" * 5_000_000})
    subject = subjects.command(Aggregate("flow_run", str(uuid4())), "create")
    assert (await ask(subject, codec.encode(command), headers_of(uuid4()))).status is Status.CREATED


@pytest.mark.parametrize(
    "reply_to",
    [
        "a b c",
        "a..b",
        ".",
        "a.*",
        "a.>",
        "x" * 5000,
        "evt.flow.x.created",
        "cmd.flow.x.create",
        "$JS.API.STREAM.NAMES",
    ],
)
async def test_nobody_makes_the_policy_write_where_only_it_may(
    client: Client, connection: NatsClient, reply_to: str
) -> None:
    headers = {**headers_of(uuid4()), subjects.REPLY_TO: reply_to}
    command = CreateFlow(data={"name": "flow"})
    subject = subjects.command(Aggregate("flow", str(RUN)), "create")
    await connection.jetstream().publish(subject, codec.encode(command), headers=headers)
    kept = await parked(connection, 1)
    assert "an answer cannot be sent" in (kept.headers or {})[ERROR]
    await queue_is_empty(connection)
    assert await client._log.last_position() == 0
    await goes_on(client)


@pytest.mark.parametrize(
    "head",
    [
        b"NATS/1.0\r\nA: \xff\r\n\r\n",
        b"NATS/1.0\r\nno colon\r\n\r\n",
        b"NATS/1.0\r\n: no name\r\n\r\n",
        b"NATS/1.0\r\nA B: 1\r\nA B: 2\r\n\r\n",
        b"NATS/1.0\r\n\xc3\xa9: \xe2\x82\xac\r\n\r\n",
        b"NATS/1.0\r\nA: " + b"x" * 100_000 + b"\r\n\r\n",
        b"NATS/1.0 100 Idle Heartbeat\r\n\r\n",
        b"NATS/1.0 503\r\n\r\n",
        b"NATS/1.0 409 Consumer Deleted\r\nA: 1\r\n\r\n",
        b"NATS/1.0\r\n\r\n",
    ],
)
async def test_odd_headers_do_not_stop_the_policy(client: Client, connection: NatsClient, head: bytes) -> None:
    await listening(connection)
    body = b"{}"
    sizes = b"%d %d" % (len(head), len(head) + len(body))
    for start in (b"cmd", b"ask"):
        subject = start + CREATE.removeprefix("cmd").encode()
        await connection._send_command(b"HPUB " + subject + b" " + sizes + b"\r\n" + head + body + b"\r\n")
    await connection.flush()
    await queue_is_empty(connection)
    await parked(connection, 1)
    await goes_on(client)
