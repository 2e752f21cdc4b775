"""What is told of the artifacts of a key: the same wherever the reading of the log begins."""

from __future__ import annotations

from uuid import UUID

from antiphon.events.document.events import ArtifactCreated, ArtifactDeleted, ArtifactUpdated
from antiphon.events.message import Event
from antiphon.events.subjects import Aggregate
from antiphon.services.reactor.artifact_events import ArtifactEvents
from tests.unit.reactor.telling import log_of, told

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


async def test_the_latest_of_a_key_is_told_alike_wherever_the_reading_begins() -> None:
    log, recorded = await log_of((number, *fact) for number, fact in enumerate(FACTS))
    whole = await told(ArtifactEvents, log, recorded)
    assert [(item["event"].rpartition(".")[2], item["payload"]["data"]) for item in whole] == [
        ("created", 1),
        ("updated", 3),
        ("updated", 4),
        ("deleted", 4),
        ("created", 6),
        ("updated", 7),
    ]
    for begin in range(len(recorded)):
        rest = await told(ArtifactEvents, log, recorded[begin:])
        assert rest == whole[len(whole) - len(rest) :]
