"""Resolves the names of a pool and a queue to ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from antiphon.events import ids
from antiphon.events.outcome import Status
from antiphon.events.subjects import Aggregate
from antiphon.events.work_pool.commands import DEFAULT_POOL
from antiphon.services.policy.engine.decider import Events, Situation
from antiphon.services.policy.engine.lineage import holder_of
from antiphon.services.policy.engine.refusals import RefusedError
from antiphon.services.policy.kinds.work_pool.decider import creation, queue_creation
from antiphon.services.policy.kinds.work_pool.model import name_of
from antiphon.services.policy.kinds.work_pool.state import INITIAL, WorkPool, evolve

Others = Mapping[Aggregate, Any]


@dataclass(frozen=True, slots=True)
class QueueAssignment:
    """A queue, and the events that create it."""

    pool_id: UUID | None
    queue_id: UUID | None
    events: Events


def named(pool_name: str, others: Others) -> tuple[Aggregate, ...]:
    """The pool of this name and its reservation, as far as they are known: for `Decider.related`."""
    name = name_of(pool_name)
    return (name, *holder_of("work_pool", name, others))


def _key(pool_id: object) -> Aggregate:
    return Aggregate("work_pool", str(pool_id))


def related(pool_name: str | None, queue_name: str | None, situation: Situation[Any]) -> tuple[Aggregate, ...]:
    """The aggregates that `assign_queue` reads."""
    if pool_name:
        return named(pool_name, situation.others)
    return (*named(DEFAULT_POOL, situation.others), _own_pool(situation)) if queue_name else ()


def of_queue(data: Mapping[str, Any]) -> tuple[Aggregate, ...]:
    """The pool of a deployment's queue."""
    return () if data.get("work_pool_id") is None else (_key(data["work_pool_id"]),)


def pool_of(data: Mapping[str, Any], others: Others) -> tuple[Aggregate, WorkPool] | None:
    """The pool of a deployment, if its queue still exists."""
    for key in of_queue(data):
        pool: WorkPool = others.get(key, INITIAL)
        if str(data.get("work_queue_id")) in pool.queues:
            return key, pool
    return None


def assign_queue(
    pool_name: str | None, queue_name: str | None, situation: Situation[Any], *, creates: bool = True
) -> QueueAssignment:
    """The queue of that name, created if absent, or the pool's default queue.

    A queue without a pool belongs to the pool of Prefect's former agents, which is created if absent.
    """
    if not pool_name:
        return _of_agents(str(queue_name), situation)
    keys = named(pool_name, situation.others)[1:]
    if not keys:
        raise RefusedError(Status.NOT_FOUND, f'Work pool "{pool_name}" not found.')
    pool: WorkPool = situation.others[keys[0]]
    if not queue_name:
        return QueueAssignment(UUID(keys[0].id), UUID(pool.data["default_queue_id"]), [])
    if not creates and pool.named(queue_name) is None:
        raise RefusedError(Status.NOT_FOUND, f"Work pool queue '{pool_name}/{queue_name}' not found.")
    return within(keys[0], pool, queue_name, situation)


def _of_agents(queue_name: str, situation: Situation[Any]) -> QueueAssignment:
    events: Events = []
    key = next(iter(named(DEFAULT_POOL, situation.others)[1:]), None)
    if key is None:
        key = _own_pool(situation)
        events = creation(key, {"name": DEFAULT_POOL}, situation)
    pool: WorkPool = situation.others[key]
    for _, event in events[1:]:
        pool = evolve(pool, event)
    # It precedes the existing queues.
    found = within(key, pool, queue_name, situation, priority=1)
    return replace(found, events=[*events, *found.events])


def within(key: Aggregate, pool: WorkPool, name: str, situation: Situation[Any], **given: Any) -> QueueAssignment:
    """The queue of that name in a pool, created with the given fields if absent."""
    queue_id = pool.named(name)
    if queue_id is not None:
        return QueueAssignment(UUID(key.id), UUID(queue_id), [])
    new_id = ids.derived(situation.command_id, f"queue {name} of {key.id}")
    return QueueAssignment(UUID(key.id), new_id, queue_creation(key, pool, new_id, {"name": name, **given}))


def _own_pool(situation: Situation[Any]) -> Aggregate:
    return _key(ids.derived(situation.command_id, DEFAULT_POOL))
