"""Keeps the staging area of nats-server's atomic batches in memory (docs/adr/0010)."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import struct
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from antiphon.events.subjects import COMMANDS, EVENTS, OBSERVED, SCHEDULED

#: The streams that are written in batches.
_STREAMS: Final = (EVENTS, COMMANDS, OBSERVED, SCHEDULED)

#: A file system in memory that outlives processes, but not the machine's power.
_MEMORY: Final = Path("/dev/shm")  # noqa: S108  the directory below is refused unless it is our own
_ENOUGH_BYTES: Final = 1 << 30
_OURS_ALONE: Final = 0o700

#: A record of nats-server's file store: length (the highest bit marks headers), sequence, time, length of the subject;
#: then the subject, the length of the headers, headers, body, checksum.
_RECORD: Final = struct.Struct("<IQqH")
_HAS_HEADERS: Final = 1 << 31
_CHECKSUM_BYTES: Final = 8
_BATCH_ID: Final = b"\r\nNats-Batch-Id: "
_COMMIT: Final = b"\r\nNats-Batch-Commit: "

_log = structlog.get_logger(__name__)


def stage_in_memory(store: Path) -> None:
    """Before a server starts on `store`: let it stage batches in memory, where there is enough of it.

    What was staged is lost when the machine loses its power, but not when a process dies. A batch that was being
    written to the log just then, and that nobody was told of, is taken out of the log again.
    """
    if store.exists() and not store.is_dir():
        # The server will say so.
        return
    memory = _own_directory(_memory_of(store)) if _has_room() else None
    for stream in _STREAMS:
        directory = store / "jetstream" / "$G" / "streams" / stream
        place = directory / "batches"
        was_lost = place.is_symlink() and not place.exists()
        # Half a batch of commands may stay: they are independent, and whoever has no confirmation sends them again.
        if was_lost and stream != COMMANDS:
            drop_partial_batch(directory / "msgs")
        _link(place, memory / stream if memory else None)


def unstage(store: Path) -> None:
    """After a server has stopped: give the memory back, unless a batch is left there that the next start needs."""
    memory = _memory_of(store)
    if not _is_own_directory(memory):
        return
    for directory in (*(memory / stream for stream in _STREAMS), memory):
        # It is not there, or not empty.
        with contextlib.suppress(OSError):
            directory.rmdir()


def _has_room() -> bool:
    return _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ENOUGH_BYTES


def _memory_of(store: Path) -> Path:
    return _MEMORY / f"antiphon-{os.geteuid()}-{sha256(str(store).encode()).hexdigest()[:16]}"


def _own_directory(path: Path) -> Path | None:
    """A directory that only we can write to; None where somebody else has taken its name."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=_OURS_ALONE)
    return path if _is_own_directory(path) else None


def _is_own_directory(path: Path) -> bool:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == _OURS_ALONE


def _link(place: Path, memory: Path | None) -> None:
    if place.is_symlink():
        place.unlink()
    elif place.is_dir():
        if any(place.iterdir()):
            # The server goes on with what an earlier process staged on disk.
            return
        place.rmdir()
    if memory is not None:
        memory.mkdir(exist_ok=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(memory)


class _Record(NamedTuple):
    offset: int
    #: The batch it belongs to, if any.
    batch: bytes | None
    #: Whether it is the last of its batch.
    commits: bool


def drop_partial_batch(messages: Path) -> int:
    """Cut a batch whose end is missing off the message blocks of a stopped server; returns how many messages it had."""
    batch: bytes | None = None
    dropped = 0
    for block in sorted(messages.glob("*.blk"), key=lambda path: int(path.stem), reverse=True):
        cut: int | None = None
        for record in reversed(list(_records(block.read_bytes()))):
            if batch is None:
                if record.batch is None or record.commits:
                    return 0
                batch = record.batch
            if record.batch != batch:
                _cut(messages, block, cut)
                _log.warning("a batch that a power failure cut off was removed", messages=dropped)
                return dropped
            cut, dropped = record.offset, dropped + 1
        _cut(messages, block, cut)
    return dropped


def _records(data: bytes) -> Iterator[_Record]:
    """The whole records of a block; a torn one at its end is the server's to remove."""
    offset = 0
    while offset + _RECORD.size <= len(data):
        length, _, _, subject_length = _RECORD.unpack_from(data, offset)
        has_headers, length = bool(length & _HAS_HEADERS), length & (_HAS_HEADERS - 1)
        if length < _RECORD.size + _CHECKSUM_BYTES or offset + length > len(data):
            return
        headers = b""
        if has_headers:
            start = offset + _RECORD.size + subject_length
            (headers_length,) = struct.unpack_from("<I", data, start)
            headers = data[start + 4 : start + 4 + headers_length]
        _, found, rest = headers.partition(_BATCH_ID)
        yield _Record(offset, rest.partition(b"\r\n")[0] if found else None, _COMMIT in headers)
        offset += length


def _cut(messages: Path, block: Path, offset: int | None) -> None:
    if offset is None:
        return
    with block.open("r+b") as file:
        file.truncate(offset)
        os.fsync(file.fileno())
    # The server makes its index anew from the blocks.
    (messages / "index.db").unlink(missing_ok=True)
