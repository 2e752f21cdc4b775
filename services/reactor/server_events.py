"""The events that Prefect's server emits, all on OBSERVED with one cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from antiphon.events import subjects
from antiphon.events.log.nats.connection import Outgoing
from antiphon.events.log.nats.provision import OBSERVED_MAX_AGE_SECONDS
from antiphon.events.log.port import EventLog, Recorded
from antiphon.services.reactor.artifact_events import ArtifactEvents
from antiphon.services.reactor.flow_run_events import FlowRunEvents
from antiphon.services.reactor.resource_events import ResourceEvents


class ServerEvents:
    """See antiphon.services.reactor.reaction.Reaction."""

    STREAM: ClassVar[str] = subjects.OBSERVED
    SUBJECTS: ClassVar[Sequence[str]] = (*FlowRunEvents.SUBJECTS, *ResourceEvents.SUBJECTS, *ArtifactEvents.SUBJECTS)
    #: An event and the cursor written with it expire together: without a cursor none was written since.
    BEGINS_SECONDS_AGO: ClassVar[float | None] = OBSERVED_MAX_AGE_SECONDS
    GATHERS_SECONDS: ClassVar[float] = 0.1

    def __init__(self, log: EventLog) -> None:
        self._resources = ResourceEvents(log)
        self._flow_runs = FlowRunEvents(log, self._resources.resources)
        self._artifacts = ArtifactEvents(log)

    async def messages(self, event: Recorded) -> Sequence[Outgoing]:
        """The messages for an event of a flow run, a resource or an artifact."""
        match event.aggregate.kind:
            case "flow_run":
                return await self._flow_runs.messages(event)
            case "artifact":
                return await self._artifacts.messages(event)
            case _:
                return await self._resources.messages(event)
