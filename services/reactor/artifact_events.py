"""Emits prefect.artifact-collection.* when the latest artifact of a key changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from antiphon.events.document.events import DocumentCreated, DocumentDeleted
from antiphon.events.ids import artifact_collection_id
from antiphon.events.log.nats.connection import Outgoing
from antiphon.events.log.port import EventLog, Recorded
from antiphon.events.subjects import Aggregate
from antiphon.services.reactor.announcement import Announcement, labels
from antiphon.services.reactor.resources import read
from antiphon.services.runtime import clock

#: The ids of the artifacts of each key, the latest last.
_OfKeys = dict[str, list[str]]


class ArtifactEvents:
    """Part of antiphon.services.reactor.server_events.ServerEvents.

    Artifacts of the data of states have no events in the log, and none here (docs/adr/0015).
    """

    SUBJECTS: ClassVar[Sequence[str]] = ("evt.artifact.*.*",)

    def __init__(self, log: EventLog) -> None:
        self._log = log
        #: None before the first event.
        self._of_keys: _OfKeys | None = None

    async def messages(self, event: Recorded) -> Sequence[Outgoing]:
        """The event about a key with another latest artifact, or without any."""
        if self._of_keys is None:
            self._of_keys = await self._read_keys(event.position - 1)
        found = await self._announcement(event, self._of_keys)
        return [] if found is None else [found.message(event.metadata, clock.now())]

    async def _announcement(self, event: Recorded, of_keys: _OfKeys) -> Announcement | None:
        own_id = event.aggregate.id
        match event.event:
            case DocumentCreated(data={"key": str(key)} as data):
                ids = of_keys.setdefault(key, [])
                ids.append(own_id)
                return _of_collection("created" if len(ids) == 1 else "updated", own_id, data)
            case DocumentDeleted():
                return await self._of_deleted(event, of_keys)
            case _:
                # Prefect emits nothing for a changed artifact.
                return None

    async def _of_deleted(self, event: Recorded, of_keys: _OfKeys) -> Announcement | None:
        own_id = event.aggregate.id
        before = await read(self._log, event.aggregate, event.position - 1)
        if before is None or before.data.get("key") is None:
            return None
        ids = of_keys[before.data["key"]]
        was_latest = ids[-1] == own_id
        ids.remove(own_id)
        if not ids:
            del of_keys[before.data["key"]]
            return _of_collection("deleted", own_id, before.data)
        latest = await read(self._log, Aggregate("artifact", ids[-1]), event.position) if was_latest else None
        return None if latest is None else _of_collection("updated", ids[-1], latest.data)

    async def _read_keys(self, position: int) -> _OfKeys:
        key_of: dict[str, str] = {}
        async for batch in self._log.follow(0, subjects=self.SUBJECTS, until=position):
            for item in batch:
                match item:
                    case Recorded(event=DocumentCreated(data={"key": str(key)}), aggregate=artifact):
                        key_of[artifact.id] = key
                    case Recorded(event=DocumentDeleted(), aggregate=artifact):
                        key_of.pop(artifact.id, None)
                    case _:
                        pass
        found: _OfKeys = {}
        for artifact_id, key in key_of.items():
            found.setdefault(key, []).append(artifact_id)
        return found


def _of_collection(action: str, latest_id: str, latest: Mapping[str, Any]) -> Announcement:
    """A collection: all artifacts of a key, with the latest of them."""
    key = str(latest["key"])
    runs = {"flow-run": latest.get("flow_run_id"), "task-run": latest.get("task_run_id")}
    return Announcement(
        f"prefect.artifact-collection.{action}",
        labels("artifact-collection", artifact_collection_id(key), key),
        [
            labels("artifact", latest_id, role="latest"),
            *(labels(kind, run_id, role=kind) for kind, run_id in runs.items() if run_id is not None),
        ],
        {name: latest.get(name) for name in ("key", "type", "data", "description")},
    )
