"""The archive: a copy of every message, complete through crashes, and proof against every kind of tampering."""

from __future__ import annotations

from datetime import UTC, date, datetime

import nats
import psycopg
import pytest
from nats.aio.client import Client as NatsClient

from antiphon.events import subjects
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.nats.provision import provision
from antiphon.events.log.port import Unreadable
from antiphon.projections.archive.archive import GENESIS, Archive, row_of
from antiphon.projections.archive.verification import Known, Verified, verify
from antiphon.projections.core.migrate import migrate
from antiphon.projections.engine.writer import connect, write
from antiphon.projections.rebuild.rebuild import Rebuild
from tests.integration.projections.conftest import Projector
from tests.integration.projections.test_projector import life, reached
from tests.log import append_to
from tests.servers import running_nats

EVENTS = 12


@pytest.fixture
async def archived(client: NatsClient, projector: Projector, postgres_url: str) -> JetStreamLog:
    """A log of twelve messages, one of them unreadable, and its archive; nobody adds to them any more."""
    log = JetStreamLog(client)
    await append_to(log, [*life(), *life()])
    await client.jetstream().publish("evt.1.odd\\é\x00.x.y", b"\x00\xff", headers={"Odd": "é"})
    last = (await append_to(log, life(("PENDING", "RUNNING"))))[-1]
    assert last == EVENTS
    projector.start()
    await reached(postgres_url, last)
    projector.kill()
    return log


async def execute(postgres_url: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as connection:
        await connection.execute(statement.encode())


def assert_agrees(found: Verified, position: int = EVENTS) -> None:
    assert (found.difference, found.agreed, found.archive_position) == (None, position, position)


async def test_the_archive_holds_every_message_byte_for_byte(archived: JetStreamLog, postgres_url: str) -> None:
    assert_agrees(await verify(archived, postgres_url))
    async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
        found = await connection.execute("SELECT subject, headers, data FROM archive.event WHERE position = 9")
        assert await found.fetchone() == (r"evt.1.odd\\\xe9\x00.x.y", "Odd: é\r\n".encode(), b"\x00\xff")


TAMPERING = [
    # Changed.
    ("UPDATE archive.event SET data = data || ' ' WHERE position = 5", 5, "data; the archive's hash is that of"),
    ("UPDATE archive.event SET headers = '' WHERE position = 5", 5, "differ in headers"),
    ("UPDATE archive.event SET subject = 'evt.0.flow.x.created' WHERE position = 12", 12, "differ in subject"),
    ("UPDATE archive.event SET recorded_at = recorded_at + interval '1 us' WHERE position = 1", 1, "recorded_at"),
    ("UPDATE archive.event SET hash = '\\x00' WHERE position = 5", 5, "the chain is broken"),
    ("UPDATE archive.chain SET hash = '\\x00'", 12, "do not end where"),
    ("UPDATE archive.chain SET genesis = '\\x00'", 1, "do not begin where"),
    ("UPDATE archive.chain SET first_position = 2", 1, "do not begin where"),
    # Removed.
    ("DELETE FROM archive.event WHERE position = 1", 1, "missing in the archive"),
    ("DELETE FROM archive.event WHERE position = 5", 5, "missing in the archive"),
    ("DELETE FROM archive.event WHERE position = 12", 12, "missing in the archive"),
    ("DELETE FROM archive.event", 1, "missing in the archive"),
    # Inserted, or in another order.
    ("UPDATE archive.event SET position = 13 WHERE position = 12", 12, "missing in the archive"),
    ("INSERT INTO archive.event SELECT 0, month, recorded_at, subject, headers, data, hash FROM archive.event"
     " WHERE position = 1", 0, "a row too many"),
    ("INSERT INTO archive.event SELECT 13, month, recorded_at, subject, headers, data, hash FROM archive.event"
     " WHERE position = 12", 13, "behind its end"),
    ("UPDATE archive.chain SET position = 11", 12, "behind its end"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "position", "what"), TAMPERING)
async def test_whatever_is_done_to_the_archive_is_found_where_it_was_done(
    archived: JetStreamLog, postgres_url: str, statement: str, position: int, what: str
) -> None:
    await execute(postgres_url, statement)
    found = await verify(archived, postgres_url)
    assert found.difference is not None
    assert (found.difference.position, what in found.difference.what) == (position, True), found.difference


async def test_a_row_that_is_there_twice_is_found(archived: JetStreamLog, postgres_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as connection:
        row = await connection.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE indisunique"
                                       " AND indrelid::regclass::text LIKE 'archive.event_%'")  # fmt: skip
        (index,) = await row.fetchone() or ("",)
        await connection.execute(f"DROP INDEX {index}".encode())
        await connection.execute("INSERT INTO archive.event SELECT * FROM archive.event WHERE position = 5")
    found = await verify(archived, postgres_url)
    assert found.difference is not None
    assert (found.difference.position, found.difference.what) == (5, "the archive has a row too many there")


async def test_a_partition_that_is_taken_away_with_its_head_is_found(archived: JetStreamLog, postgres_url: str) -> None:
    await execute(postgres_url, "DELETE FROM archive.chain; INSERT INTO archive.chain VALUES"
                                " ('2000-01-01', '\\x00', 1, 12, '\\x00')")  # fmt: skip
    found = await verify(archived, postgres_url)
    assert found.difference is not None
    assert found.difference.position == 1


async def test_a_head_that_was_kept_elsewhere_proves_what_is_before_it(
    archived: JetStreamLog, postgres_url: str
) -> None:
    head = (await verify(archived, postgres_url)).head
    assert_agrees(await verify(archived, postgres_url, known=Known(EVENTS, head)))
    for known, position in ((Known(EVENTS, "0" * 64), EVENTS), (Known(EVENTS + 1, head), EVENTS + 1)):
        found = await verify(archived, postgres_url, known=known)
        assert found.difference is not None
        assert found.difference.position == position


async def test_a_log_that_has_lost_or_changed_messages_is_found(
    archived: JetStreamLog, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running_nats(tmp_path_factory.mktemp("other") / "nats") as server:
        other = await nats.connect(server.url)
        await provision(other)
        log = JetStreamLog(other)
        found = await verify(log, postgres_url)
        assert found.difference is not None
        assert (found.difference.position, "missing in the log" in found.difference.what) == (1, True)
        await append_to(log, life())
        found = await verify(log, postgres_url)
        assert found.difference is not None
        assert found.difference.position == 1
        assert found.difference.what.endswith("the archive's row is what its hash says")
        await other.close()


async def test_invariant_09_an_archive_survives_every_kill(
    client: NatsClient, projector: Projector, postgres_url: str
) -> None:
    log, last = JetStreamLog(client), 0
    for _ in range(4):
        projector.start()
        for _ in range(15):
            last = (await append_to(log, life()))[-1]
        projector.kill()
    projector.start()
    await reached(postgres_url, last)
    assert_agrees(await verify(log, postgres_url), last)


async def test_read_models_that_are_dropped_or_rebuilt_leave_the_archive_as_it_is(
    archived: JetStreamLog, projector: Projector, postgres_url: str
) -> None:
    await Rebuild(archived, postgres_url).run()
    await execute(postgres_url, "DROP SCHEMA read_v1 CASCADE")
    await migrate(postgres_url)
    last = (await append_to(archived, life()))[-1]
    projector.start()
    await reached(postgres_url, last)
    assert_agrees(await verify(archived, postgres_url), last)


async def test_an_archive_that_is_younger_than_the_read_models_catches_up(
    archived: JetStreamLog, projector: Projector, postgres_url: str
) -> None:
    await execute(postgres_url, "DELETE FROM archive.event; DELETE FROM archive.chain")
    last = (await append_to(archived, life()))[-1]
    projector.start()
    await reached(postgres_url, last)
    assert_agrees(await verify(archived, postgres_url), last)


async def test_every_month_has_its_partition_and_the_clock_may_go_back(client: NatsClient, postgres_url: str) -> None:
    months = [(2026, 11), (2026, 12), (2026, 11), (2027, 2)]
    stored = [
        Unreadable(number, subjects.EVENTS, {}, b"x", "?", datetime(year, month, 3, tzinfo=UTC))
        for number, (year, month) in enumerate(months, 1)
    ]
    async with await connect(postgres_url) as connection:
        archive = await Archive.on(connection)
        await write(connection, (), "events", 4, await archive.parts(stored))
        archive.written()
        assert archive.position == (await Archive.on(connection)).position == 4
        rows = await connection.execute("SELECT position, tableoid::regclass::text, hash FROM archive.event ORDER BY 1")
        found = await rows.fetchall()
        heads = await connection.execute("SELECT month, first_position, position FROM archive.chain ORDER BY month")
        assert await heads.fetchall() == [
            (date(2026, 11, 1), 1, 1),
            (date(2026, 12, 1), 2, 3),
            (date(2027, 2, 1), 4, 4),
        ]
    partitions = ["archive.event_2026_11", "archive.event_2026_12", "archive.event_2026_12", "archive.event_2027_02"]
    assert [partition for _, partition, _ in found] == partitions
    previous = GENESIS
    for item, (_, _, hash_) in zip(stored, found, strict=True):
        previous = row_of(item).hash_after(previous)
        assert hash_ == previous
