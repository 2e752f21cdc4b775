"""The second copy of the log: every message byte for byte, in a chain of hashes (schema/lasting/0001_archive.sql)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from struct import Struct
from typing import Any, Final, NamedTuple, Self

from psycopg import AsyncConnection, sql

from antiphon.events.log.port import Recorded, Stored, Unreadable
from antiphon.events.subjects import printable
from antiphon.projections.core.statements import statements
from antiphon.projections.engine.writer import Part

#: The hash before the first row.
GENESIS: Final = bytes(32)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HEAD: Final = Struct(">qqII")


class Row(NamedTuple):
    """A message of the log in the archive's form."""

    position: int
    recorded_at: datetime
    subject: str
    headers: bytes
    data: bytes

    @property
    def microseconds(self) -> int:
        """`recorded_at` in microseconds since 1970."""
        since = self.recorded_at - _EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds

    def hash_after(self, previous: bytes) -> bytes:
        """The hash of this row as the successor of the row with the hash `previous`."""
        head = _HEAD.pack(self.position, self.microseconds, len(self.subject), len(self.headers))
        return sha256(b"".join((previous, head, self.subject.encode(), self.headers, self.data))).digest()


def row_of(item: Recorded | Unreadable) -> Row:
    """The archive row of a stored message; raises ValueError if the message was never stored."""
    stored = item.stored if isinstance(item, Recorded) else Stored(item.subject, item.headers, item.data)
    if stored is None or item.recorded_at is None:
        msg = f"position {item.position} has no bytes to keep"
        raise ValueError(msg)
    headers = "".join([f"{name}: {value}\r\n" for name, value in stored.headers.items()])
    return Row(
        item.position,
        item.recorded_at,
        printable(stored.subject),
        headers.encode(errors="surrogateescape"),
        stored.data,
    )


def stored_of(row: Row) -> Stored:
    """The message of a row; raises ValueError if the row does not determine the message."""
    subject = row.subject.encode().decode("unicode_escape") if "\\" in row.subject else row.subject
    headers = {}
    for line in row.headers.decode(errors="surrogateescape").split("\r\n")[:-1]:
        name, _, value = line.partition(": ")
        headers[name] = value
    stored = Stored(subject, headers, row.data)
    if row_of(Unreadable(row.position, subject, headers, row.data, "", row.recorded_at)) != row:
        msg = f"position {row.position} cannot be told from its row"
        raise ValueError(msg)
    return stored


def month_of(row: Row, previous: date) -> date:
    """The partition of a row: months never go back, even if the clock of the log does."""
    return max(previous, row.recorded_at.date().replace(day=1))


class Link(NamedTuple):
    """A row with its place in the chain."""

    row: Row
    hash: bytes
    month: date


@dataclass(frozen=True, slots=True)
class End:
    """The last row of the archive."""

    position: int = 0
    hash: bytes = GENESIS
    month: date = date.min


class Archive:
    """Adds messages to the archive, in the transactions of the projection that holds the lock."""

    def __init__(self, connection: AsyncConnection[Any], end: End) -> None:
        self._connection = connection
        self._end = end
        self._next = end
        self._partitions: set[date] = set()

    @classmethod
    async def on(cls, connection: AsyncConnection[Any]) -> Self:
        """The archive of a database, at its end."""
        query = "SELECT position, hash, month FROM archive.chain ORDER BY month DESC LIMIT 1"
        found = await (await connection.execute(query)).fetchone()
        return cls(connection, End(*found) if found else End())

    @property
    def position(self) -> int:
        """The last archived position."""
        return self._end.position

    def written(self) -> None:
        """See antiphon.projections.engine.runner.Copy."""
        self._end = self._next

    async def parts(self, items: Sequence[Recorded | Unreadable]) -> Sequence[Part]:
        """See antiphon.projections.engine.runner.Copy; archived messages are skipped."""
        self._next = self._end
        rows = [row_of(item) for item in items if item.position > self._end.position]
        parts: list[Part] = []
        for month, of_month in _by_month(rows, self._end.month):
            await self._make_partition(month)
            parts += self._chained(month, of_month)
        return parts

    async def replace(self, link: Link) -> None:
        """Write one row again at its position before the end."""
        await self._make_partition(link.month)
        row = link.row
        await self._connection.execute(statements()["forget_row"].encode(), {"position": row.position})
        values = {**row._asdict(), "hash": link.hash, "month": link.month}
        await self._connection.execute(statements()["archive_row"].encode(), values)

    def _chained(self, month: date, rows: Sequence[Row]) -> list[Part]:
        genesis = hash_ = self._next.hash
        pieces: list[bytes] = []
        starts: list[int] = []
        start = 1
        for row in rows:
            hash_ = row.hash_after(hash_)
            # Subjects are ASCII: their length in bytes is their length in characters.
            pieces += (row.subject.encode(), row.headers, row.data, hash_)
            starts.append(start)
            start += len(row.subject) + len(row.headers) + len(row.data) + len(hash_)
        self._next = End(rows[-1].position, hash_, month)
        copies = {
            "month": month,
            "bytes": b"".join(pieces),
            "positions": _array([row.position for row in rows]),
            "microseconds": _array([row.microseconds for row in rows]),
            "starts": _array(starts),
            "subjects": _array([len(row.subject) for row in rows]),
            "headers": _array([len(row.headers) for row in rows]),
            "data": _array([len(row.data) for row in rows]),
        }
        head = {
            "month": month,
            "genesis": genesis,
            "first": rows[0].position,
            "position": rows[-1].position,
            "hash": hash_,
        }
        return [(statements()["archive"], copies), (statements()["chain"], head)]

    async def _make_partition(self, month: date) -> None:
        if month in self._partitions:
            return
        name = sql.Identifier("archive", f"event_{month:%Y_%m}")
        await self._connection.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF archive.event FOR VALUES IN ({})").format(
                name, sql.Literal(month)
            )
        )
        await self._connection.execute(
            sql.SQL("CREATE UNIQUE INDEX IF NOT EXISTS {} ON {} (position)").format(
                sql.Identifier(f"event_{month:%Y_%m}_position"), name
            )
        )
        self._partitions.add(month)


def _by_month(rows: Sequence[Row], month: date) -> list[tuple[date, list[Row]]]:
    """Group rows by partition."""
    found: list[tuple[date, list[Row]]] = []
    for row in rows:
        month = month_of(row, month)
        if not found or found[-1][0] != month:
            found.append((month, []))
        found[-1][1].append(row)
    return found


def _array(numbers: Sequence[int]) -> str:
    """An array in PostgreSQL's text form: psycopg takes longer to convert a list."""
    return f"{{{','.join(map(str, numbers))}}}"
