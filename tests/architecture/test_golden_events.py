"""What was stored stays readable: the bytes of every version of every event type.

A test that fails here tells of a schema that changed: raise the event's VERSION, add an upcaster, and write a new file
with `python -m tests.architecture.test_golden_events` beside the old one.
"""

from __future__ import annotations

import pytest

from antiphon.events import codec
from antiphon.events.codec import EVENT_TYPES
from antiphon.events.subjects import Aggregate
from tests.golden import EXAMPLES, FOLDER, example, path


def test_every_event_type_has_an_example() -> None:
    assert set(EXAMPLES) == set(EVENT_TYPES)


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_invariant_12_the_bytes_of_a_version_do_not_change(name: str) -> None:
    assert codec.encode(example(name)) + b"\n" == path(name).read_bytes()


@pytest.mark.parametrize("file", sorted(item.name for item in FOLDER.iterdir()))
def test_every_version_can_be_read(file: str) -> None:
    name, version, _ = file.rsplit(".", 2)
    kind, _, action = name.partition(".")
    body = (FOLDER / file).read_bytes()
    event = codec.decode_event(Aggregate(kind, "x"), action, int(version.removeprefix("v")), body)
    assert event == example(name)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for event_type in EVENT_TYPES:
        if not path(event_type).exists():
            path(event_type).write_bytes(codec.encode(example(event_type)) + b"\n")
