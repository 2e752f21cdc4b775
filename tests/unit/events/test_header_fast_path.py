"""What is read at one go from headers of our own hand is what the general way reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from antiphon.events import codec, subjects
from antiphon.events.errors import UndecodableError
from antiphon.events.log.nats import header_fast_path
from antiphon.events.log.nats.delivered import parse_headers
from antiphon.events.message import Metadata
from antiphon.events.subjects import Aggregate
from tests.examples import METADATA, RUN
from tests.golden import example

_EVENT = example("flow_run.deleted")
_MOMENTS = st.datetimes(timezones=st.sampled_from((UTC, timezone(timedelta(hours=-3, minutes=30)))))
_TEXTS = (
    st.none()
    | st.text(max_size=8)
    | st.sampled_from(("a b", "someone@x", "  a", "a  b", "\u00e9", "a\x0bb", "Nats-X: 1"))
)
_METADATA = st.builds(Metadata, st.uuids(), _MOMENTS, st.none() | st.uuids(), _TEXTS, _TEXTS, _TEXTS, _TEXTS)
#: Lines that others may have put among ours, or in place of one of ours.
_LINES = st.sampled_from(
    (
        *("Nats-Batch-Id: x", "Nats-Batch-Sequence: 17", "Nats-Odd", "nats-x: 1", "Else: y", "no colon", ""),
        *("ce-time: 2026-11-21T10:00:00", "ce-time: 2026-13-01T00:00:00+00:00", "ce-time:2026-11-21T10:00:00+00:00"),
        *(
            f"{subjects.COMMAND_ID}: {'0' * 32}",
            f"{subjects.COMMAND_ID}: {RUN.id.upper()}",
            f"{subjects.COMMAND_ID}: {'0-' * 18}",
            f"{subjects.COMMAND_ID}: ",
        ),
        *(
            f"{subjects.SCHEMA_VERSION}: 2",
            f"{subjects.SCHEMA_VERSION}: x",
            f"{subjects.SCHEMA_VERSION}: {'9' * 5000}",
            f"{subjects.ACTOR}:  else",
        ),
        *(f"{subjects.RECORDED_AT}: 2026-11-21T10:00:00+00:00", f"{subjects.CORRELATION_ID}: {RUN.id}"),
    )
)


def block_of(lines: list[str]) -> bytes:
    return "".join(["NATS/1.0\r\n", *(f"{line}\r\n" for line in lines), "\r\n"]).encode(errors="surrogatepass")


def lines_of(metadata: Metadata, aggregate: Aggregate = RUN) -> list[str]:
    return [f"{name}: {value}" for name, value in codec.event_headers(aggregate, _EVENT, metadata, 0).items()]


def generally(block: bytes) -> tuple[int, Metadata] | None:
    headers = parse_headers(block)
    try:
        metadata = codec.metadata_of(headers, headers.get("ce-time"))
        return int(headers.get(subjects.SCHEMA_VERSION, "1")), metadata
    except (UndecodableError, ValueError):
        return None


def test_what_codec_writes_is_read_at_one_go() -> None:
    whole = METADATA._replace(correlation_id=METADATA.command_id, causation_id="x.1", actor="a b", traceparent="00-1")
    for metadata in (METADATA, whole):
        lines = [*lines_of(metadata), "Nats-Batch-Id: x", "Nats-Batch-Sequence: 1"]
        assert header_fast_path.read(block_of(lines)) == generally(block_of(lines)) == (1, metadata)


@given(_METADATA, st.lists(st.tuples(st.integers(0, 12), _LINES, st.booleans()), max_size=3))
def test_what_is_read_is_what_the_general_way_reads(metadata: Metadata, strange: list[tuple[int, str, bool]]) -> None:
    lines = lines_of(metadata)
    for place, line, instead in strange:
        lines[place : place + instead] = [line]
    block = block_of(lines)
    found = header_fast_path.read(block)
    assert found is None or found == generally(block)


def test_what_was_restored_is_left_to_the_general_way() -> None:
    lines = [f"{subjects.RECORDED_AT}: {datetime.now(UTC).isoformat()}", *lines_of(METADATA)]
    assert header_fast_path.read(block_of(lines)) is None
