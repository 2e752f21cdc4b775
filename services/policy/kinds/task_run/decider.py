"""Decides the commands for a task run."""

from __future__ import annotations

from dataclasses import replace

from antiphon.events.message import Command
from antiphon.events.name.events import NameClaimed, NameReleased
from antiphon.events.outcome import Answer, Status
from antiphon.events.state import ProposedState, StateType
from antiphon.events.subjects import Aggregate
from antiphon.events.task_run import commands
from antiphon.events.task_run.events import (
    TaskRunCreated,
    TaskRunDeleted,
    TaskRunFields,
    TaskRunRenamed,
)
from antiphon.services.policy.engine.decider import Decider, Decision, Events, Situation, takes_no_command
from antiphon.services.policy.engine.lineage import holder_of, is_there, lineage
from antiphon.services.policy.engine.refusals import IntegrityError, RefusedError
from antiphon.services.policy.kinds.task_run import cache, concurrency
from antiphon.services.policy.kinds.task_run.keys import key_name, owner_of
from antiphon.services.policy.kinds.task_run.record import record
from antiphon.services.policy.kinds.task_run.state import INITIAL, TaskRun, evolve
from antiphon.services.policy.kinds.task_run.transition import move
from antiphon.services.prefect.run_names import generated_name


def related(command: Command, situation: Situation[TaskRun]) -> tuple[Aggregate, ...]:
    """Its flow run and cache; for a new task run also the reservation of its keys, and their owner."""
    owners = lineage(situation.aggregate, situation.known)[1:]
    cached: tuple[Aggregate, ...] = ()
    match command:
        case commands.SetTaskRunState():
            limited = concurrency.related(situation.state, situation)
            return (*owners, *limited, *cache.related(command.state, situation))
        case commands.CreateTaskRun():
            keys = command.flow_run_id, command.task_key, command.dynamic_key
            flow_run_id = command.flow_run_id
            cached = cache.related(command.state, situation)
        case commands.RecordTaskRunState():
            if situation.state.exists:
                return owners
            keys = command.flow_run_id, command.task_run.task_key, command.task_run.dynamic_key
            flow_run_id = None
        case _:
            return (*owners, *concurrency.related(situation.state, situation))
    name = key_name(*keys)
    named = [name, *owners]
    for holder in holder_of("task_run", name, situation.others):
        named.extend(lineage(holder, situation.known))
    if flow_run_id is not None:
        named.extend(lineage(Aggregate("flow_run", str(flow_run_id)), situation.others))
    return (*named, *cached)


def decide(command: Command, situation: Situation[TaskRun]) -> Decision:
    """The events of a task run's command."""
    if isinstance(command, commands.CreateTaskRun):
        return create(command, situation)
    if isinstance(command, commands.RecordTaskRunState):
        return record(command, situation)
    if not is_there(situation.aggregate, situation.known):
        raise RefusedError(Status.NOT_FOUND, "Task run not found")
    match command:
        case commands.SetTaskRunState():
            return move(situation, command.state, force=command.force)
        case commands.RenameTaskRun():
            renamed = TaskRunRenamed(name=command.name or generated_name(situation.command_id))
            return Decision(events=((situation.aggregate, renamed),))
        case commands.DeleteTaskRun():
            return delete(situation)
        case _:
            return takes_no_command(command, situation)


def create(command: commands.CreateTaskRun, situation: Situation[TaskRun]) -> Decision:
    """A new task run in its first state, or the existing owner of its keys."""
    name = key_name(command.flow_run_id, command.task_key, command.dynamic_key)
    owner = owner_of(name, situation)
    if owner is not None and is_there(owner, situation.known):
        return Decision(answer=Answer(status=Status.EXISTS, aggregate_id=owner.id))
    flow_run_key = Aggregate("flow_run", str(command.flow_run_id))
    flow_run = situation.others.get(flow_run_key)
    flow_run_is_missing = command.flow_run_id is not None and not is_there(flow_run_key, situation.others)
    if is_there(situation.aggregate, situation.known) or flow_run_is_missing:
        raise IntegrityError()
    labels = command.labels
    if flow_run is not None:
        labels = dict(flow_run.labels) | {"prefect.flow-run.id": str(command.flow_run_id)} | labels
    fields = TaskRunFields(
        **command.model_dump(exclude={"state", "name", "labels"}, exclude_unset=True),
        name=command.name or generated_name(situation.id),
        labels=labels,
    )
    *earlier, (key, first) = move(
        replace(situation, state=TaskRun(fields=fields, artifact_ids=situation.state.artifact_ids)),
        command.state or ProposedState(type=StateType.PENDING),
        force=True,
    ).events
    written = {name: getattr(first, name) for name in first.model_fields_set & TaskRunCreated.model_fields.keys()}
    text = f"{fields.flow_run_id}/{fields.task_key}/{fields.dynamic_key}"
    claimed = NameClaimed(name=text, owner=situation.aggregate.id)
    return Decision(events=((name, claimed), *earlier, (key, TaskRunCreated(fields=fields, **written))))


def delete(situation: Situation[TaskRun]) -> Decision:
    """Delete the task run and release its keys."""
    fields = situation.state.fields
    events: Events = []
    if fields is not None:
        events.append((key_name(fields.flow_run_id, fields.task_key, fields.dynamic_key), NameReleased()))
    events.extend(concurrency.freed(situation))
    events.append((situation.aggregate, TaskRunDeleted()))
    return Decision(events=tuple(events))


TASK_RUN: Decider[TaskRun] = Decider(initial=INITIAL, evolve=evolve, decision=decide, needed=related)
