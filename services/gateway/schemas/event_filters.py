"""Which events a reader wants: Prefect's EventFilter, asked of one event at a time.

Unlike Prefect's, whose live events pass by the `related` filter, every part of it counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field

from antiphon.projections.core.moments import Moment
from antiphon.projections.filters import text_query
from antiphon.services.runtime import clock

Labels = Mapping[str, str]
#: Label names, and patterns (`*`, `?`, `[...]`, negated by a leading `!`) of which the value must fit one.
Patterns = dict[str, str | list[str]]
F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class ObservedEvent:
    """The parts of an event that filters look at."""

    id: UUID
    occurred: datetime
    event: str
    resource: Labels
    related: list[Labels]
    payload: Any

    @classmethod
    def of(cls, body: bytes) -> ObservedEvent:
        """Read an event as OBSERVED keeps it; raises ValueError, KeyError or TypeError for anything else."""
        fields: dict[str, Any] = orjson.loads(body)
        occurred = datetime.fromisoformat(fields["occurred"])
        return cls(
            UUID(fields["id"]),
            occurred,
            str(fields["event"]),
            dict(fields["resource"]),
            [dict(item) for item in fields["related"]],
            fields["payload"],
        )


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _days_ago() -> datetime:
    return clock.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=180)


class OccurredFilter(_Part):
    """When it occurred, both ends included; without an end, up to the moment of asking."""

    since: Moment = Field(default_factory=_days_ago)
    until: Moment = Field(default_factory=clock.now)

    def includes(self, event: ObservedEvent) -> bool:
        """Whether it occurred in between."""
        return self.since <= event.occurred <= self.until


class NameFilter(_Part):
    """The name of the event."""

    prefix: list[str] | None = None
    exclude_prefix: list[str] | None = None
    name: list[str] | None = None
    exclude_name: list[str] | None = None

    def includes(self, event: ObservedEvent) -> bool:
        """Whether the name is asked for and not excluded; an empty list asks for nothing in particular."""
        name = event.event
        return (
            (not self.prefix or name.startswith(tuple(self.prefix)))
            and not (self.exclude_prefix and name.startswith(tuple(self.exclude_prefix)))
            and (not self.name or name in self.name)
            and not (self.exclude_name and name in self.exclude_name)
        )


class ResourceFilter(_Part):
    """The resource the event is about."""

    id: list[str] | None = None
    id_prefix: list[str] | None = None
    labels: Patterns | None = None
    #: Only has a meaning where many events are asked for at once.
    distinct: bool = False

    def includes(self, event: ObservedEvent) -> bool:
        """Whether the resource fits."""
        return _fits(event.resource, self.id, self.id_prefix, self.labels)


class AnyResourceFilter(_Part):
    """One of the resources of the event, the one it is about included."""

    id: list[str] | None = None
    id_prefix: list[str] | None = None
    labels: Patterns | None = None

    def includes(self, event: ObservedEvent) -> bool:
        """Whether one of them fits."""
        resources = (event.resource, *event.related)
        return any(_fits(resource, self.id, self.id_prefix, self.labels) for resource in resources)


class RelatedFilter(_Part):
    """One of the resources the event is related to."""

    id: list[str] | None = None
    role: list[str] | None = None
    resources_in_roles: list[tuple[str, str]] | None = None
    labels: Patterns | None = None

    def includes(self, event: ObservedEvent) -> bool:
        """Whether one of them fits; without anything asked, also an event that has none."""
        if not (self.id or self.role or self.resources_in_roles or self.labels):
            return True
        return any(self._fits(resource) for resource in event.related)

    def _fits(self, resource: Labels) -> bool:
        role = resource.get("prefect.resource.role")
        pair = (resource.get("prefect.resource.id"), role)
        return (
            (not self.role or role in self.role)
            and (not self.resources_in_roles or pair in self.resources_in_roles)
            and _fits(resource, self.id, None, self.labels)
        )


class IdFilter(_Part):
    """The ids of events."""

    id: list[UUID] | None = None

    def includes(self, event: ObservedEvent) -> bool:
        """Whether it is one of them; an empty list restricts nothing."""
        return not self.id or event.id in self.id


class TextFilter(_Part):
    """A text query over name, resources and payload."""

    query: Annotated[str, Field(max_length=200)]

    def includes(self, event: ObservedEvent) -> bool:
        """Whether the event's texts match."""
        values = [value for resource in (event.resource, *event.related) for value in resource.values()]
        return text_query.parse(self.query).matches(" ".join([event.event, *values, str(event.payload)]))


class EventFilter(_Part):
    """Prefect's EventFilter: all its parts must include an event."""

    occurred: OccurredFilter = Field(default_factory=OccurredFilter)
    event: NameFilter | None = None
    resource: ResourceFilter | None = None
    related: RelatedFilter | list[RelatedFilter] | None = None
    any_resource: AnyResourceFilter | list[AnyResourceFilter] | None = None
    id: IdFilter = IdFilter()
    text: TextFilter | None = None
    #: A stream has only one order.
    order: Literal["ASC", "DESC"] = "DESC"

    def includes(self, event: ObservedEvent) -> bool:
        """Whether the event is wanted."""
        parts = (self.occurred, self.event, self.id, self.resource, *_each(self.related), *_each(self.any_resource))
        return all(part is None or part.includes(event) for part in (*parts, self.text))


def _each(parts: F | list[F] | None) -> Iterable[F]:
    if parts is None:
        return ()
    return parts if isinstance(parts, list) else (parts,)


def _fits(resource: Labels, ids: list[str] | None, prefixes: list[str] | None, labels: Patterns | None) -> bool:
    resource_id = resource.get("prefect.resource.id", "")
    return (
        (not ids or resource_id in ids)
        and (not prefixes or resource_id.startswith(tuple(prefixes)))
        and all(_matches(resource.get(label), wanted) for label, wanted in (labels or {}).items())
    )


def _matches(value: str | None, wanted: str | list[str]) -> bool:
    if value is None:
        return False
    patterns = [wanted] if isinstance(wanted, str) else wanted
    return any(fnmatchcase(value, pattern.removeprefix("!")) is not pattern.startswith("!") for pattern in patterns)
