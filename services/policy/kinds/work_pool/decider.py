"""Decides the commands for a work pool and its queues."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from antiphon.events import ids
from antiphon.events.message import Command
from antiphon.events.name.events import NameClaimed, NameReleased
from antiphon.events.outcome import Status
from antiphon.events.subjects import Aggregate
from antiphon.events.work_pool import commands
from antiphon.events.work_pool.events import (
    WorkPoolCreated,
    WorkPoolDeleted,
    WorkPoolUpdated,
    WorkQueueCreated,
    WorkQueueDeleted,
    WorkQueueUpdated,
)
from antiphon.services.policy.engine.decider import Decider, Decision, Events, Situation, takes_no_command
from antiphon.services.policy.engine.lineage import holder_of
from antiphon.services.policy.engine.refusals import IntegrityError, RefusedError
from antiphon.services.policy.kinds.document.decider import validated
from antiphon.services.policy.kinds.work_pool import job_variables, priorities
from antiphon.services.policy.kinds.work_pool.model import DEFAULT_QUEUE, WorkPoolFields, WorkQueueFields, name_of
from antiphon.services.policy.kinds.work_pool.state import INITIAL, WorkPool, evolve

_TAKEN: Final = "A work pool with this name already exists."
_QUEUE_TAKEN: Final = "A work queue with this name already exists."
_MISSING: Final = "Work pool not found."
_QUEUE_MISSING: Final = "Work queue not found."
#: Columns that cannot be null, although a command may say so.
_NOT_NULL: Final = ("is_paused", "base_job_template", "storage_configuration")
_QUEUE_NOT_NULL: Final = ("name", "description", "is_paused", "priority")


def related(command: Command, situation: Situation[WorkPool]) -> tuple[Aggregate, ...]:
    """The reservation of its name, and the holder of the name."""
    if not isinstance(command, commands.CreateWorkPool):
        return ()
    name = name_of(command.data.get("name"))
    return (name, *holder_of("work_pool", name, situation.others))


def decide(command: Command, situation: Situation[WorkPool]) -> Decision:
    """The events of a pool's command."""
    if isinstance(command, commands.CreateWorkPool):
        return _create(command, situation)
    if not situation.state.exists:
        raise RefusedError(Status.NOT_FOUND, _MISSING)
    match command:
        case commands.UpdateWorkPool():
            return _update(command, situation)
        case commands.DeleteWorkPool():
            released = (name_of(situation.state.data["name"]), NameReleased())
            return Decision(events=(released, (situation.aggregate, WorkPoolDeleted())))
        case commands.CreateWorkQueue():
            return _create_queue(command, situation)
        case commands.UpdateWorkQueue() | commands.DeleteWorkQueue() if (
            str(command.queue_id) not in situation.state.queues
        ):
            raise RefusedError(Status.NOT_FOUND, _QUEUE_MISSING)
        case commands.UpdateWorkQueue():
            return _update_queue(command, situation)
        case commands.DeleteWorkQueue():
            return _delete_queue(command, situation)
        case _:
            return takes_no_command(command, situation)


def _create(command: commands.CreateWorkPool, situation: Situation[WorkPool]) -> Decision:
    name = name_of(command.data.get("name"))
    owner = situation.others[name].owner
    if situation.state.exists or owner is not None:
        raise RefusedError(Status.CONFLICT, _TAKEN, aggregate_id=owner or situation.aggregate.id)
    job_variables.check_defaults(command.data.get("base_job_template") or {})
    return Decision(events=tuple(creation(situation.aggregate, command.data, situation)))


def creation(key: Aggregate, given: dict[str, Any], situation: Situation[Any]) -> Events:
    """The events that create a pool."""
    queue_id = ids.derived(situation.command_id, f"default queue of {key.id}")
    data = validated(WorkPoolFields, given | {"default_queue_id": queue_id})
    queue = validated(WorkQueueFields, DEFAULT_QUEUE)
    return [
        (name_of(data["name"]), NameClaimed(name=data["name"], owner=key.id)),
        (key, WorkPoolCreated(data=data)),
        (key, WorkQueueCreated(queue_id=queue_id, data=queue)),
    ]


def _update(command: commands.UpdateWorkPool, situation: Situation[WorkPool]) -> Decision:
    if any(name in command.changes and command.changes[name] is None for name in _NOT_NULL):
        raise IntegrityError()
    data = validated(WorkPoolFields, {**situation.state.data, **command.changes})
    if data["name"] != situation.state.data["name"]:
        raise RefusedError(Status.INVALID, "The name cannot be changed.")
    changes = {name: data[name] for name in command.changes}
    return Decision(events=((situation.aggregate, WorkPoolUpdated(changes=changes)),))


def _create_queue(command: commands.CreateWorkQueue, situation: Situation[WorkPool]) -> Decision:
    pool = situation.state
    if str(command.queue_id) in pool.queues or pool.named(str(command.data.get("name"))) is not None:
        raise RefusedError(Status.CONFLICT, _QUEUE_TAKEN)
    return Decision(events=tuple(queue_creation(situation.aggregate, pool, command.queue_id, command.data)))


def queue_creation(key: Aggregate, pool: WorkPool, queue_id: UUID, given: dict[str, Any]) -> Events:
    """The events that create a queue."""
    taken = {other: queue["priority"] for other, queue in pool.queues.items()}
    priority = given.get("priority")
    given = {name: value for name, value in given.items() if value is not None}
    data = validated(WorkQueueFields, given | {"priority": priority or priorities.first_free(taken.values())})
    events: Events = []
    if priority is not None:
        changed = priorities.made_room(taken | {str(queue_id): priority}, str(queue_id), priority)
        events += _moved({other: place for other, place in changed.items() if other != str(queue_id)}, key)
    return [*events, (key, WorkQueueCreated(queue_id=queue_id, data=data))]


def _moved(changed: dict[str, int], key: Aggregate) -> Events:
    return [
        (key, WorkQueueUpdated(queue_id=UUID(other), changes={"priority": place})) for other, place in changed.items()
    ]


def _update_queue(command: commands.UpdateWorkQueue, situation: Situation[WorkPool]) -> Decision:
    queue_id, pool = str(command.queue_id), situation.state
    present, changes = pool.queues[queue_id], dict(command.changes)
    if any(name in changes and changes[name] is None for name in _QUEUE_NOT_NULL):
        raise IntegrityError()
    if pool.named(str(changes.get("name", present["name"]))) not in (None, queue_id):
        raise IntegrityError()
    if "is_paused" in changes:
        changes["status"] = "PAUSED" if changes["is_paused"] else None
    data = validated(WorkQueueFields, {**present, **changes})
    events: Events = []
    if "priority" in changes and command.makes_room:
        taken = {other: queue["priority"] for other, queue in pool.queues.items()}
        changed = priorities.made_room(taken, queue_id, data["priority"])
        data["priority"] = changed.pop(queue_id)
        events += _moved(changed, situation.aggregate)
    updated = WorkQueueUpdated(queue_id=command.queue_id, changes={name: data[name] for name in changes})
    return Decision(events=(*events, (situation.aggregate, updated)))


def _delete_queue(command: commands.DeleteWorkQueue, situation: Situation[WorkPool]) -> Decision:
    if str(command.queue_id) == situation.state.data["default_queue_id"]:
        raise IntegrityError()
    return Decision(events=((situation.aggregate, WorkQueueDeleted(queue_id=command.queue_id)),))


WORK_POOL: Decider[WorkPool] = Decider(initial=INITIAL, evolve=evolve, decision=decide, needed=related)
