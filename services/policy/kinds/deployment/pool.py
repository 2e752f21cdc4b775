"""The work pool and the queue of a deployment, and whether its job variables fit them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from antiphon.events.outcome import Status
from antiphon.events.work_pool.commands import DEFAULT_POOL
from antiphon.services.policy.engine.decider import Events, Situation
from antiphon.services.policy.engine.refusals import RefusedError
from antiphon.services.policy.kinds.work_pool import assignment, job_variables
from antiphon.services.policy.kinds.work_pool.state import WorkPool
from antiphon.services.prefect.json_schema import first_problem

_CREATING: Final = "Error creating deployment: {}"


def assign_queue(given: Mapping[str, Any], situation: Situation[Any]) -> tuple[dict[str, Any], Events]:
    """The deployment's new pool and queue, if they change, and the events that create the queue."""
    pool_name, queue_name = given.get("work_pool_name"), given.get("work_queue_name")
    if pool_name is None and "work_pool_name" in given:
        return {"work_pool_id": None, "work_queue_id": None}, []
    if not pool_name and not queue_name:
        return {}, []
    assigned = assignment.assign_queue(pool_name, queue_name, situation)
    return {"work_pool_id": assigned.pool_id, "work_queue_id": assigned.queue_id}, assigned.events


def check_creation(given: Mapping[str, Any], situation: Situation[Any]) -> None:
    """Refuse a deployment whose job variables do not fit its pool."""
    variables, pool = given.get("job_variables"), _pool(given, situation)
    if variables and pool is not None and given["work_pool_name"] != DEFAULT_POOL:
        job_variables.check(pool.data["base_job_template"], variables, doing=_CREATING)


def check_change(changes: Mapping[str, Any], situation: Situation[Any]) -> None:
    """Refuse a change whose job variables do not fit the pool that it names; the pool's defaults do not count."""
    variables, pool = changes.get("job_variables"), _pool(changes, situation)
    if variables is None or pool is None:
        return
    schema = pool.data["base_job_template"].get("variables")
    found = None if schema is None else first_problem(dict(variables), schema)
    if found is not None:
        raise RefusedError(Status.CONFLICT, _CREATING.format(found))


def _pool(given: Mapping[str, Any], situation: Situation[Any]) -> WorkPool | None:
    name = given.get("work_pool_name")
    keys = assignment.named(name, situation.others)[1:] if name else ()
    return situation.others[keys[0]] if keys else None
