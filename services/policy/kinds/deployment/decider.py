"""Decides the commands for a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from antiphon.events import ids
from antiphon.events.document.commands import CreateDeployment, UpdateDeployment
from antiphon.events.document.events import DeploymentCreated, DeploymentDeleted, DeploymentUpdated
from antiphon.events.limit.commands import CreateLimit
from antiphon.events.message import Command
from antiphon.events.name.events import NameClaimed, NameReleased
from antiphon.events.outcome import Answer, Status
from antiphon.events.subjects import Aggregate
from antiphon.events.work_pool.commands import DEFAULT_POOL
from antiphon.services.policy.engine.decider import Decider, Decision, Events, Situation
from antiphon.services.policy.engine.lineage import holder_of
from antiphon.services.policy.engine.refusals import IntegrityError, RefusedError
from antiphon.services.policy.kinds.deployment.model import Deployment, check_parameters
from antiphon.services.policy.kinds.document.decider import validated
from antiphon.services.policy.kinds.document.state import INITIAL, Document, evolve
from antiphon.services.policy.kinds.limit.decider import creation, deletion, own_limit_id, resized
from antiphon.services.policy.kinds.limit.ledger import limit_key, limit_name, limits_named
from antiphon.services.policy.kinds.work_pool import assignment, job_variables
from antiphon.services.policy.kinds.work_pool.state import WorkPool
from antiphon.services.prefect.json_schema import first_problem

_CREATING: Final = "Error creating deployment: {}"
_MISSING: Final = "Deployment not found."
_NO_LIMIT: Final = "Concurrency limit not found"
#: Values of a command that the deployment stores in another form.
_CONVERTED: Final = frozenset({"concurrency_limit", "global_concurrency_limit_id", "work_pool_name"})


def name_of(flow_id: object, name: str) -> Aggregate:
    """The reservation of a deployment's name within its flow."""
    return ids.name_aggregate("deployment", str(flow_id), name)


def _own_name(key: Aggregate) -> str:
    return f"deployment:{key.id}"


def limit_of(data: Mapping[str, Any]) -> tuple[Aggregate, ...]:
    """The limit of a deployment, if it has one."""
    limit_id = data.get("concurrency_limit_id")
    return () if limit_id is None else (limit_key(limit_id),)


def related(command: Command, situation: Situation[Document]) -> list[Aggregate]:
    """Its flow, the deployment that holds its name, its limit, and the limit that it creates."""
    others, given = situation.others, _given(command)
    deployment, named = situation.state, list[Aggregate]()
    key = situation.aggregate
    if isinstance(command, CreateDeployment):
        name = name_of(given.get("flow_id"), str(given.get("name")))
        named.append(name)
        named.append(Aggregate("flow", str(given.get("flow_id"))))
        for key in holder_of("deployment", name, others):
            named.append(key)
            deployment = others.get(key, INITIAL)
    elif deployment.exists:
        named.append(Aggregate("flow", deployment.data["flow_id"]))
    named.extend(limit_of(deployment.data))
    named.extend(assignment.related(given.get("work_pool_name"), given.get("work_queue_name"), situation))
    if given.get("global_concurrency_limit_id") is not None:
        named.append(limit_key(given["global_concurrency_limit_id"]))
    if given.get("concurrency_limit") is not None:
        named.extend(limits_named([_own_name(key)], others))
        named.append(limit_key(own_limit_id(UUID(key.id))))
    return named


def _given(command: Command) -> dict[str, Any]:
    if isinstance(command, CreateDeployment):
        return command.data
    return command.changes if isinstance(command, UpdateDeployment) else {}


def decide(command: Command, situation: Situation[Document]) -> Decision:
    """The events of a deployment's command."""
    if isinstance(command, CreateDeployment):
        return _create(command.data, situation)
    if not exists(situation):
        raise RefusedError(Status.NOT_FOUND, _MISSING)
    if isinstance(command, UpdateDeployment):
        if command.checks_parameters:
            _check_parameters(situation.state.data | command.changes)
        _check_changed_variables(command.changes, situation)
        return _change(situation, situation.aggregate, situation.state, command.changes)
    data = situation.state.data
    events: Events = [(name_of(data["flow_id"], data["name"]), NameReleased())]
    events.extend(_without_own_limit(situation, situation.aggregate, data))
    return Decision(events=(*events, (situation.aggregate, DeploymentDeleted())))


def _check_parameters(data: Mapping[str, Any]) -> None:
    if data["enforce_parameter_schema"]:
        check_parameters(
            data["parameters"], data["parameter_openapi_schema"], "updating deployment", ignore_required=True
        )


def exists(situation: Situation[Document]) -> bool:
    """Whether the deployment and its flow exist."""
    if not situation.state.exists:
        return False
    flow = situation.others.get(Aggregate("flow", situation.state.data["flow_id"]))
    return flow is not None and flow.exists


def _create(given: dict[str, Any], situation: Situation[Document]) -> Decision:
    if given.get("work_pool_name", "") is None:
        # Only an update removes a deployment from its pool.
        given = {field: value for field, value in given.items() if field != "work_pool_name"}
    _check_variables(given, situation)
    flow = situation.others[Aggregate("flow", str(given.get("flow_id")))]
    if not flow.exists:
        # As in Prefect, a missing limit or pool is reported first.
        _with_limit_and_pool(situation, situation.aggregate, {}, given)
        raise IntegrityError()
    labels = dict(flow.data.get("labels") or {}) | {"prefect.flow.id": given["flow_id"]} | (given.get("labels") or {})
    given = given | {"labels": labels}
    name = name_of(given["flow_id"], given["name"])
    owner = situation.others[name].owner
    if owner is not None:
        key = Aggregate("deployment", owner)
        present: Document = situation.state if key == situation.aggregate else situation.others[key]
        # Prefect resets the parameters of a deployment that is created again without any.
        return _change(situation, key, present, {"parameters": {}} | given)
    key = situation.aggregate
    fields, events = _with_limit_and_pool(situation, key, {}, given)
    data = validated(Deployment, fields)
    claimed = NameClaimed(name=data["name"], owner=key.id)
    return Decision(events=((name, claimed), *events, (key, DeploymentCreated(data=data))))


def _change(situation: Situation[Document], key: Aggregate, present: Document, given: dict[str, Any]) -> Decision:
    fields, events = _with_limit_and_pool(situation, key, present.data, given)
    data = validated(Deployment, present.data | fields)
    changes = {field: data[field] for field in fields}
    updated = DeploymentUpdated(changes=changes)
    answered = Answer(status=Status.UPDATED, aggregate_id=key.id)
    return Decision(events=(*events, (key, updated)), answer=answered)


def _with_limit_and_pool(
    situation: Situation[Document], key: Aggregate, present: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], Events]:
    """The new fields of a deployment, and the events that create or change its limit and its queue."""
    limit_id, events = _limit(situation, key, present, given)
    assigned, created = _assign_queue(given, situation)
    fields = {field: value for field, value in given.items() if field not in _CONVERTED} | assigned
    if limit_id != present.get("concurrency_limit_id"):
        fields["concurrency_limit_id"] = limit_id
    return fields, [*events, *created]


def _limit(
    situation: Situation[Document], key: Aggregate, present: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[str | None, Events]:
    """The new limit id of the deployment, and the events that create, change or delete limits."""
    limit_id: str | None = present.get("concurrency_limit_id")
    events: Events = []
    if "global_concurrency_limit_id" in given:
        other = given["global_concurrency_limit_id"]
        if other is not None and not situation.others[limit_key(other)].exists:
            raise RefusedError(Status.NOT_FOUND, _NO_LIMIT)
        limit_id = other
    if "concurrency_limit" not in given:
        return limit_id, events
    slots = given["concurrency_limit"]
    limit = situation.others.get(limit_key(limit_id)) if limit_id is not None else None
    if slots is None:
        if limit_id is None or present.get("concurrency_limit_id") != limit_id:
            return limit_id, events
        return None, _without_own_limit(situation, key, present)
    if limit is not None and limit.exists:
        return limit_id, [] if limit.limit == slots else [
            resized(limit_key(str(limit_id)), limit, slots, situation.now)
        ]
    return _own_limit(situation, key, slots)


def _own_limit(situation: Situation[Document], key: Aggregate, slots: int) -> tuple[str, Events]:
    name, own = _own_name(key), limit_key(own_limit_id(UUID(key.id)))
    if situation.others[limit_name(name)].owner is not None or situation.others[own].exists:
        raise IntegrityError()
    return own.id, list(creation(own, CreateLimit(name=name, limit=slots), situation.now))


def _without_own_limit(situation: Situation[Document], key: Aggregate, data: Mapping[str, Any]) -> Events:
    """The events that delete the deployment's own limit; a shared limit stays."""
    for limit in limit_of(data):
        state = situation.others[limit]
        if state.exists and limit == limit_key(own_limit_id(UUID(key.id))):
            return list(deletion(limit, state, situation.now, revoke=False))
    return []


def _assign_queue(given: Mapping[str, Any], situation: Situation[Any]) -> tuple[dict[str, Any], Events]:
    """The deployment's new pool and queue, if they change, and the events that create the queue."""
    pool_name, queue_name = given.get("work_pool_name"), given.get("work_queue_name")
    if pool_name is None and "work_pool_name" in given:
        return {"work_pool_id": None, "work_queue_id": None}, []
    if not pool_name and not queue_name:
        return {}, []
    assigned = assignment.assign_queue(pool_name, queue_name, situation)
    return {"work_pool_id": assigned.pool_id, "work_queue_id": assigned.queue_id}, assigned.events


def _check_variables(given: Mapping[str, Any], situation: Situation[Any]) -> None:
    """Refuse a deployment whose job variables do not fit its pool."""
    variables, pool = given.get("job_variables"), _pool(given, situation)
    if variables and pool is not None and given["work_pool_name"] != DEFAULT_POOL:
        job_variables.check(pool.data["base_job_template"], variables, doing=_CREATING)


def _check_changed_variables(changes: Mapping[str, Any], situation: Situation[Any]) -> None:
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


DEPLOYMENT: Decider[Document] = Decider(initial=INITIAL, evolve=evolve, decision=decide, needed=related)
