"""Prefect's EventFilter for live events: decides on one event at a time.

Prefect ignores the `related` filter for live events; here every part counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from antiphon.projections.core.moments import Moment
from antiphon.projections.filters import text_query
from antiphon.services.gateway.schemas.fields import StrictModel
from antiphon.services.runtime import clock

Labels = dict[str, str]
#: Label names with patterns (`*`, `?`, `[...]`, negated by a leading `!`); the value must match one of them.
Patterns = dict[str, str | list[str]]
F = TypeVar("F")


class ObservedEvent(BaseModel):
    """The parts of an event of OBSERVED that filters test."""

    id: UUID
    occurred: datetime
    event: str
    resource: Labels
    related: list[Labels]
    payload: Any


def _days_ago() -> datetime:
    return clock.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=180)


class OccurredFilter(StrictModel):
    """The time of the event, both ends included; the default end is now."""

    since: Moment = Field(default_factory=_days_ago)
    until: Moment = Field(default_factory=clock.now)

    def includes(self, event: ObservedEvent) -> bool:
        """Whether the time lies between the ends."""
        return self.since <= event.occurred <= self.until


class NameFilter(StrictModel):
    """The name of the event."""

    prefix: list[str] | None = None
    exclude_prefix: list[str] | None = None
    name: list[str] | None = None
    exclude_name: list[str] | None = None

    def includes(self, event: ObservedEvent) -> bool:
        """Whether the name is wanted and not excluded; an empty list excludes nothing."""
        name = event.event
        return (
            (not self.prefix or name.startswith(tuple(self.prefix)))
            and not (self.exclude_prefix and name.startswith(tuple(self.exclude_prefix)))
            and (not self.name or name in self.name)
            and not (self.exclude_name and name in self.exclude_name)
        )


class AnyResourceFilter(StrictModel):
    """Any resource of the event, including the one that it is about."""

    id: list[str] | None = None
    id_prefix: list[str] | None = None
    labels: Patterns | None = None

    def includes(self, event: ObservedEvent) -> bool:
        """Whether one of them matches."""
        resources = (event.resource, *event.related)
        return any(_fits(resource, self.id, self.id_prefix, self.labels) for resource in resources)


class ResourceFilter(AnyResourceFilter):
    """The resource the event is about."""

    #: Only counts in queries for stored events.
    distinct: bool = False

    def includes(self, event: ObservedEvent) -> bool:
        """Whether the resource matches."""
        return _fits(event.resource, self.id, self.id_prefix, self.labels)


class RelatedFilter(StrictModel):
    """The related resources of the event."""

    id: list[str] | None = None
    role: list[str] | None = None
    resources_in_roles: list[tuple[str, str]] | None = None
    labels: Patterns | None = None

    def includes(self, event: ObservedEvent) -> bool:
        """Whether one of them matches; a filter without conditions also includes events without related resources."""
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


class IdFilter(StrictModel):
    """The ids of events."""

    id: list[UUID] | None = None

    def includes(self, event: ObservedEvent) -> bool:
        """Whether the id is one of them; an empty list excludes nothing."""
        return not self.id or event.id in self.id


class TextFilter(StrictModel):
    """A text query over name, resources and payload."""

    query: Annotated[str, Field(max_length=200)]

    def includes(self, event: ObservedEvent) -> bool:
        """Whether the texts of the event match."""
        values = [value for resource in (event.resource, *event.related) for value in resource.values()]
        return text_query.parse(self.query).matches(" ".join([event.event, *values, str(event.payload)]))


class PrefectEventFilter(StrictModel):
    """Prefect's EventFilter: all its parts must match."""

    # The name is part of the reason for which a WebSocket closes.
    model_config = ConfigDict(title="EventFilter")

    occurred: OccurredFilter = Field(default_factory=OccurredFilter)
    event: NameFilter | None = None
    resource: ResourceFilter | None = None
    related: RelatedFilter | list[RelatedFilter] | None = None
    any_resource: AnyResourceFilter | list[AnyResourceFilter] | None = None
    id: IdFilter = IdFilter()
    text: TextFilter | None = None
    #: Ignored: live events have one order.
    order: Literal["ASC", "DESC"] = "DESC"

    def asked(self) -> dict[str, Any]:
        """The filter as queries take it."""
        return self.model_dump(mode="json", exclude_none=True)

    def includes(self, event: ObservedEvent) -> bool:
        """Whether the event matches."""
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
