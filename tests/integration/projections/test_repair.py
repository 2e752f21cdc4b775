"""What log or archive lost at the end, and damaged rows of the archive, come back as they were; the rest is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client as NatsClient

from antiphon.events import subjects
from antiphon.events.log.errors import ConflictError
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.nats.provision import provision, stream_configurations
from antiphon.events.log.nats.restore import restore
from antiphon.events.log.port import EventLog
from antiphon.projections.archive.archive import row_of, stored_of
from antiphon.projections.archive.repair import (
    Loser,
    Loss,
    RepairError,
    examine,
    restore_archive,
    restore_log,
    restore_rows,
)
from antiphon.projections.archive.verification import BrokenArchiveError, Known, verify
from antiphon.projections.engine.projection import NAME
from antiphon.projections.engine.writer import acquire_lock, connect
from antiphon.projections.rebuild.projector_lock import hold_lock, no_holder
from tests.integration.projections.conftest import Projector
from tests.integration.projections.test_archive import EVENTS, archived, assert_agrees, execute
from tests.integration.projections.test_projector import life, reached
from tests.integration.test_start import antiphon
from tests.log import append_to
from tests.servers import running_nats

__all__ = ["archived"]


@asynccontextmanager
async def another_log(path: Path, keeping: int, client: NatsClient) -> AsyncIterator[NatsClient]:
    """A server that has only the first messages of the other one's log: what a backup is."""
    with running_nats(path / "other") as server:
        other = await nats.connect(server.url)
        await provision(other)
        async for items in JetStreamLog(client).follow(0, until=keeping):
            # With the times they had, as a backup would.
            rows = [row_of(item) for item in items]
            await restore(other, rows[0].position - 1, [(stored_of(row), row.recorded_at) for row in rows])
        yield other
        await other.close()


@pytest.mark.parametrize("kept", [0, 8])
async def test_a_log_gets_its_tail_back_as_it_was(
    archived: EventLog, client: NatsClient, postgres_url: str, tmp_path: Path, kept: int
) -> None:
    head = (await verify(archived, postgres_url)).head
    async with another_log(tmp_path, kept, client) as other:
        log = JetStreamLog(other)
        assert await examine(log, postgres_url) == Loss(Loser.LOG, kept, EVENTS)
        assert await restore_log(postgres_url, kept, partial(restore, other)) == EVENTS
        assert_agrees(await verify(log, postgres_url, known=Known(EVENTS, head)))
        assert await examine(log, postgres_url) == Loss(Loser.NOBODY, EVENTS, EVENTS)
        before = [item async for batch in archived.follow(0, until=EVENTS) for item in batch]
        assert [item async for batch in log.follow(0, until=EVENTS) for item in batch] == before
        # It can go on: what the streams of the aggregates expect is where it was.
        await append_to(log, life())


async def test_what_was_decided_since_is_not_overwritten(
    archived: EventLog, client: NatsClient, postgres_url: str, tmp_path: Path
) -> None:
    async with another_log(tmp_path, 5, client) as other:
        log = JetStreamLog(other)
        await append_to(log, life())
        with pytest.raises(RepairError, match="agree up to 5"):
            await examine(log, postgres_url)
        with pytest.raises(ConflictError):
            await restore_log(postgres_url, 5, partial(restore, other))
        assert await log.last_position() == 9


async def test_a_tail_is_not_taken_from_an_archive_that_was_changed(
    archived: EventLog, client: NatsClient, postgres_url: str, tmp_path: Path
) -> None:
    await execute(postgres_url, "UPDATE archive.event SET data = data || ' ' WHERE position = 8")
    async with another_log(tmp_path, 5, client) as other:
        with pytest.raises(RepairError, match="position 8: its hash does not follow"):
            await examine(JetStreamLog(other), postgres_url)


async def test_a_log_with_a_hole_is_refused(archived: EventLog, client: NatsClient, postgres_url: str) -> None:
    jetstream = client.jetstream()
    await jetstream.delete_stream(subjects.EVENTS)
    configuration = next(each for each in stream_configurations(1) if each.name == subjects.EVENTS)
    configuration.deny_delete = False
    await jetstream.add_stream(configuration)
    await restore_log(postgres_url, 0, partial(restore, client))
    await jetstream.delete_msg(subjects.EVENTS, EVENTS)
    with pytest.raises(RepairError, match="agree up to 11"):
        await examine(archived, postgres_url)


@pytest.mark.parametrize("kept", [0, 11])
async def test_an_archive_gets_its_tail_back_with_the_same_hashes(
    archived: EventLog, postgres_url: str, kept: int
) -> None:
    head = (await verify(archived, postgres_url)).head
    async with await connect(postgres_url) as connection:
        await connection.execute("DELETE FROM archive.event WHERE position > %s", (kept,))
    loss = await examine(archived, postgres_url)
    assert loss == Loss(Loser.ARCHIVE, kept, EVENTS)
    async with await connect(postgres_url) as connection, hold_lock(connection, NAME, no_holder):
        await restore_archive(connection, archived, loss)
    assert_agrees(await verify(archived, postgres_url, known=Known(EVENTS, head)))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM archive.chain",
        "UPDATE archive.chain SET hash = '\\x00'",
        "INSERT INTO archive.event SELECT 13, month, now(), subject, headers, data, hash FROM archive.event LIMIT 1",
    ],
)
async def test_an_archive_that_lost_something_else_is_refused(
    archived: EventLog, postgres_url: str, statement: str
) -> None:
    await execute(postgres_url, statement)
    with pytest.raises(RepairError, match=r"no clean tail|cannot be trusted"):
        await examine(archived, postgres_url)


@pytest.mark.parametrize(
    ("statement", "damaged"),
    [
        ("UPDATE archive.event SET data = data || ' ' WHERE position = 5", (5,)),
        ("UPDATE archive.event SET recorded_at = recorded_at + interval '1 us' WHERE position = 1", (1,)),
        ("UPDATE archive.event SET headers = '', hash = '\\x00' WHERE position = 12", (12,)),
        ("UPDATE archive.event SET hash = '\\x00' WHERE position = 5", (5,)),
        ("DELETE FROM archive.event WHERE position IN (2, 3, 9)", (2, 3, 9)),
        ("UPDATE archive.event SET data = '' WHERE position IN (9, 12)", (9, 12)),
        ("DELETE FROM archive.event WHERE position < 12", tuple(range(1, 12))),
    ],
)
async def test_damaged_rows_of_the_archive_are_replaced_from_the_log(
    archived: EventLog, postgres_url: str, statement: str, damaged: tuple[int, ...]
) -> None:
    head = (await verify(archived, postgres_url)).head
    await execute(postgres_url, statement)
    assert (await verify(archived, postgres_url)).difference is not None
    loss = await examine(archived, postgres_url)
    assert loss == Loss(Loser.ARCHIVE, damaged[0] - 1, damaged[-1], damaged)
    async with await connect(postgres_url) as connection, hold_lock(connection, NAME, no_holder):
        await restore_rows(connection, archived, postgres_url)
    assert_agrees(await verify(archived, postgres_url, known=Known(EVENTS, head)))


async def test_no_row_is_replaced_from_a_log_that_was_changed(
    archived: EventLog, client: NatsClient, postgres_url: str, tmp_path: Path
) -> None:
    """The archive keeps what it has: the log differs at 8, and the archive at 5."""
    async with another_log(tmp_path, 7, client) as other:
        log = JetStreamLog(other)
        await append_to(log, [*life(), *life()])
        await execute(postgres_url, "UPDATE archive.event SET data = data || ' ' WHERE position = 5")
        with pytest.raises(RepairError, match="no clean tail"):
            await examine(log, postgres_url)
        async with await connect(postgres_url) as connection:
            with pytest.raises(BrokenArchiveError):
                await restore_rows(connection, log, postgres_url)
        assert (await verify(archived, postgres_url)).agreed == 4


async def test_the_command_repairs_beside_a_projector_and_a_dry_run_changes_nothing(
    archived: EventLog, client: NatsClient, projector: Projector, nats_url: str, postgres_url: str
) -> None:
    where = ("--nats-url", nats_url, "--postgres-url", postgres_url)
    await execute(postgres_url, "DELETE FROM archive.event WHERE position > 9")
    for _ in range(2):
        result = antiphon("repair", "--dry-run", *where)
        assert (result.returncode, result.stdout) == (0, "The archive has lost positions 10 to 12\n"), result.stderr
    projector.start()
    last = (await append_to(archived, life()))[-1]
    await reached(postgres_url, last)
    result = antiphon("repair", *where)
    assert result.stdout.startswith("The archive has damaged rows: 3 from position 10 to 12\n"), result.stderr
    assert result.returncode == 0
    await execute(postgres_url, "DELETE FROM archive.event WHERE position > 9")
    result = antiphon("repair", *where)
    assert (result.returncode, "has given them back" in result.stdout) == (0, True), result.stderr
    await reached(postgres_url, (await append_to(archived, life()))[-1])
    projector.kill()
    async with await connect(postgres_url) as connection:
        await acquire_lock(connection, NAME)
        assert_agrees(await verify(archived, postgres_url), last + 4)
