"""Decides the commands for documents, the same way for every resource."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from antiphon.events.codec import EVENT_TYPES
from antiphon.events.document.commands import CreateDocument, UpdateDocument
from antiphon.events.message import Command, Event, Payload
from antiphon.events.name.events import NameClaimed, NameReleased
from antiphon.events.outcome import Answer, Status
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Decider, Decision, Events, Situation
from antiphon.services.policy.engine.lineage import holder_of, is_there, lineage
from antiphon.services.policy.engine.refusals import IntegrityError, RefusedError
from antiphon.services.policy.kinds.document.resources import RESOURCES, DocumentKind
from antiphon.services.policy.kinds.document.state import INITIAL, Document, evolve


def related(command: Command, situation: Situation[Document]) -> list[Aggregate]:
    """The reservation of its name, the holder of the name, and the parent."""
    resource, named = RESOURCES[situation.aggregate.kind], list[Aggregate]()
    try:
        data = validated(resource.model, _after(command, situation.state))
    except RefusedError:
        return named
    if resource.name is not None:
        name = resource.name(data)
        named += [name, *holder_of(situation.aggregate.kind, name, situation.others)]
    if resource.parent is not None and isinstance(command, CreateDocument):
        named.extend(lineage(resource.parent(data), situation.others))
    return named


def _after(command: Command, document: Document) -> dict[str, Any]:
    """The data after the command; empty after a deletion."""
    if isinstance(command, CreateDocument):
        return command.data
    if isinstance(command, UpdateDocument) and "name" in command.changes and document.exists:
        return document.data | command.changes
    return {}


def decide(command: Command, situation: Situation[Document]) -> Decision:
    """The events of a document's command."""
    resource = RESOURCES[situation.aggregate.kind]
    if isinstance(command, CreateDocument):
        return _create(resource, command, situation)
    if not situation.state.exists:
        raise RefusedError(Status.NOT_FOUND, f"{situation.aggregate.kind} not found")
    if isinstance(command, UpdateDocument):
        return _update(resource, command, situation)
    events: Events = []
    if resource.name is not None:
        events.append((resource.name(situation.state.data), NameReleased()))
    return Decision(events=(*events, _event(situation, "deleted")))


def _create(resource: DocumentKind, command: CreateDocument, situation: Situation[Document]) -> Decision:
    data = validated(resource.model, command.data)
    if resource.parent is not None and not is_there(resource.parent(data), situation.others):
        raise RefusedError(Status.NOT_FOUND, resource.parent_missing)
    if situation.state.exists:
        return _exists(resource, situation.aggregate.id)
    events: Events = []
    if resource.name is not None:
        name = resource.name(data)
        owner = situation.others[name].owner
        holder = situation.others.get(Aggregate(situation.aggregate.kind, str(owner)))
        if owner is not None and holder is not None and holder.exists:
            return _exists(resource, owner)
        events.append((name, _claimed(data, situation)))
    events.append(_event(situation, "created", data=data))
    return Decision(events=tuple(events))


def _event(situation: Situation[Document], action: str, **fields: Any) -> tuple[Aggregate, Event]:
    key = situation.aggregate
    return key, EVENT_TYPES[f"{key.kind}.{action}"](**fields)


def _claimed(data: dict[str, Any], situation: Situation[Document]) -> NameClaimed:
    return NameClaimed(name=str(data["name"]), owner=situation.aggregate.id)


def _exists(resource: DocumentKind, owner: str) -> Decision:
    status = Status.EXISTS if resource.create_finds_existing else Status.CONFLICT
    return Decision(answer=Answer(status=status, aggregate_id=owner, reason=resource.taken or None))


def _update(resource: DocumentKind, command: UpdateDocument, situation: Situation[Document]) -> Decision:
    try:
        data = validated(resource.model, situation.state.data | command.changes)
    except RefusedError as error:
        if None in command.changes.values():
            # A required field is null.
            raise IntegrityError() from error
        raise
    if fixed := resource.fixed.intersection(command.changes):
        raise RefusedError(Status.INVALID, f"The {min(fixed)} cannot be changed.")
    events: Events = []
    if resource.name is not None and resource.name(data) != resource.name(situation.state.data):
        name, former = resource.name(data), resource.name(situation.state.data)
        if not resource.can_be_renamed:
            raise RefusedError(Status.INVALID, "The name cannot be changed.")
        if situation.others[name].exists:
            raise IntegrityError()
        events += [(former, NameReleased()), (name, _claimed(data, situation))]
    changes = {field: data[field] for field in command.changes}
    return Decision(events=(*events, _event(situation, "updated", changes=changes)))


def validated(model: type[Payload], data: dict[str, Any]) -> dict[str, Any]:
    """The data in JSON form with its defaults; raises RefusedError."""
    try:
        return model.model_validate(data).model_dump(mode="json")
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_url=False))
        raise RefusedError(Status.INVALID, "; ".join(problems)) from error


DOCUMENT: Decider[Document] = Decider(initial=INITIAL, evolve=evolve, decision=decide, needed=related)
