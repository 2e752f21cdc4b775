"""What is told of the artifacts of a key: the same wherever the reading of the log begins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from events.document.events import ArtifactCreated, ArtifactDeleted, ArtifactUpdated
from events.log.memory import MemoryLog
from events.log.port import Draft, Recorded
from events.message import Event, Metadata
from events.subjects import Aggregate
from services.reactor.artifact_events import ArtifactEvents
from tests.examples import NOW

ONE, TWO, LONE, RESULT = (Aggregate("artifact", str(UUID(int=number))) for number in (1, 2, 3, 4))
FACTS: list[tuple[Aggregate, Event]] = [
    (ONE, ArtifactCreated(data={"key": "key", "data": 1})),
    (LONE, ArtifactCreated(data={"key": None, "data": 2})),
    (TWO, ArtifactCreated(data={"key": "key", "data": 3})),
    (ONE, ArtifactUpdated(changes={"data": 4})),
    # What the data of a state was.
    (RESULT, ArtifactUpdated(changes={"data": 5})),
    (RESULT, ArtifactDeleted()),
    (LONE, ArtifactDeleted()),
    (TWO, ArtifactDeleted()),
    (ONE, ArtifactDeleted()),
    (TWO, ArtifactCreated(data={"key": "key", "data": 6})),
    (ONE, ArtifactCreated(data={"key": "key", "data": 7})),
    (TWO, ArtifactDeleted()),
]


async def told(log: MemoryLog, events: list[Recorded]) -> list[dict[str, Any]]:
    """What is told of these events, but for when."""
    reaction, found = ArtifactEvents(log), list[dict[str, Any]]()
    for event in events:
        found += [orjson.loads(body) for _, _, body in await reaction.messages(event)]
    return [{name: value for name, value in item.items() if name != "received"} for item in found]


async def test_the_latest_of_a_key_is_told_alike_wherever_the_reading_begins() -> None:
    log, recorded = MemoryLog(lambda: NOW), list[Recorded]()
    for number, (aggregate, event) in enumerate(FACTS):
        metadata = Metadata(command_id=UUID(int=100 + number), occurred_at=NOW + timedelta(seconds=number))
        await log.append([Draft(aggregate, event, metadata, 0)], {})
    async for batch in log.follow(0, until=await log.last_position()):
        recorded += [item for item in batch if isinstance(item, Recorded)]
    whole = await told(log, recorded)
    assert [(item["event"].rpartition(".")[2], item["payload"]["data"]) for item in whole] == [
        ("created", 1),
        ("updated", 3),
        ("updated", 4),
        ("deleted", 4),
        ("created", 6),
        ("updated", 7),
    ]
    for begin in range(len(recorded)):
        rest = await told(log, recorded[begin:])
        assert rest == whole[len(whole) - len(rest) :]
