"""Atomic batches are staged in memory; what a power failure leaves of one is taken out of the log."""

import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import nats
import pytest

from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.nats.provision import provision
from antiphon.events.log.port import Draft
from antiphon.events.name.events import NameClaimed
from antiphon.events.subjects import Aggregate
from antiphon.services.runtime.embedded import staging
from antiphon.services.runtime.embedded.nats_server import NatsServer
from tests.examples import METADATA

EVENTS = Path("store/jetstream/$G/streams/EVENTS")


async def with_log(server: NatsServer, work: Callable[[JetStreamLog], Awaitable[int]]) -> int:
    client = await nats.connect(server.url)
    await provision(client)
    try:
        return await work(JetStreamLog(client))
    finally:
        await client.close()


def batch_of(size: int) -> Callable[[JetStreamLog], Awaitable[int]]:
    """Append so many events as one batch, and return the last position."""

    async def work(log: JetStreamLog) -> int:
        names = [Aggregate("name", uuid4().hex) for _ in range(size)]
        drafts = [
            Draft(name, NameClaimed(name="name", owner="owner"), METADATA, index) for index, name in enumerate(names)
        ]
        return (await log.append(drafts, dict.fromkeys(names, 0)))[-1]

    return work


async def end(log: JetStreamLog) -> int:
    return await log.last_position()


def lose_power(directory: Path, server: NatsServer, *, records: int) -> None:
    """Kill the server, and leave so many records on disk and nothing in memory."""
    server.kill()
    memory = (directory / EVENTS / "batches").readlink()
    for staged in memory.parent.iterdir():
        staged.rmdir()
    block = directory / EVENTS / "msgs" / "1.blk"
    data, offset = block.read_bytes(), 0
    for _ in range(records):
        offset += struct.unpack_from("<I", data, offset)[0] & (1 << 31) - 1
    # Of the record that was being written, a part.
    block.write_bytes(data[: offset + 11] if offset < len(data) else data)


@pytest.mark.parametrize(
    ("records", "kept"),
    [
        pytest.param(9, 9, id="all of the second batch"),
        pytest.param(8, 3, id="all but its last message"),
        pytest.param(4, 3, id="its first message"),
        pytest.param(3, 3, id="nothing of it"),
    ],
)
async def test_invariant_04_half_a_batch_is_not_in_the_log_after_a_power_failure(
    tmp_path: Path, records: int, kept: int
) -> None:
    with NatsServer(tmp_path) as server:
        assert await with_log(server, batch_of(3)) == 3
        assert await with_log(server, batch_of(6)) == 9
        lose_power(tmp_path, server, records=records)
        server.start()
        assert await with_log(server, end) == kept
        assert await with_log(server, batch_of(2)) == kept + 2


async def test_batches_are_staged_in_memory_and_leave_nothing_there(tmp_path: Path) -> None:
    with NatsServer(tmp_path) as server:
        await with_log(server, batch_of(20))
        memory = (tmp_path / EVENTS / "batches").readlink()
        assert (memory.parent.stat().st_mode & 0o777, list(memory.iterdir())) == (0o700, [])
    assert not memory.parent.exists()
    with NatsServer(tmp_path) as server:
        assert await with_log(server, end) == 20


async def test_a_killed_server_finds_what_it_staged(tmp_path: Path) -> None:
    with NatsServer(tmp_path) as server:
        await with_log(server, batch_of(20))
        server.kill()
        server.start()
        assert await with_log(server, end) == 20


async def test_a_directory_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = tmp_path / "memory"
    memory.mkdir()
    monkeypatch.setattr(staging, "_MEMORY", memory)
    store = tmp_path / "nats" / "store"
    taken = staging._memory_of(store)
    taken.mkdir(mode=0o777)
    taken.chmod(0o777)
    with NatsServer(tmp_path / "nats") as server:
        assert await with_log(server, batch_of(3)) == 3
        assert not (tmp_path / "nats" / EVENTS / "batches").is_symlink()
    assert list(taken.iterdir()) == []
