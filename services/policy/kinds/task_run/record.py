"""Records the states of task runs that clients report (docs/prefect/services.md section 2)."""

from __future__ import annotations

from uuid import UUID

from antiphon.events.name.events import NameClaimed
from antiphon.events.outcome import Answer, Status
from antiphon.events.state import RunProgress, State
from antiphon.events.subjects import Aggregate
from antiphon.events.task_run.commands import RecordTaskRunState, ReportedTaskRun
from antiphon.events.task_run.events import TaskRunFields, TaskRunPolicy, TaskRunStateRecorded
from antiphon.services.policy.engine.decider import Decision, Events, Situation
from antiphon.services.policy.kinds.task_run.keys import key_name, owner_of
from antiphon.services.policy.kinds.task_run.state import INITIAL, TaskRun
from antiphon.services.prefect.run_names import generated_name

_FIELDS = frozenset(TaskRunFields.model_fields) - {"flow_run_id", "name"}
_PROGRESS = frozenset(RunProgress.model_fields) - {"total_run_time"}


def record(command: RecordTaskRunState, situation: Situation[TaskRun]) -> Decision:
    """Add a reported state to the history; the run changes only if no newer state is known.

    No rule applies, because the state is a fact. A report under a task and dynamic key that another task run
    of the flow run owns is recorded for that task run.
    """
    report = command.task_run
    name = key_name(command.flow_run_id, report.task_key, report.dynamic_key)
    owner = owner_of(name, situation) or situation.aggregate
    run: TaskRun = situation.state if owner == situation.aggregate else situation.others[owner]
    if _went_with_its_flow_run(run, situation):
        run = INITIAL
    if command.state.id in run.state_ids:
        return Decision(answer=Answer(status=Status.EXISTS, aggregate_id=owner.id))
    events: Events = []
    if not run.exists and command.flow_run_id is not None:
        text = f"{command.flow_run_id}/{report.task_key}/{report.dynamic_key}"
        events.append((name, NameClaimed(name=text, owner=owner.id)))
    events.append((owner, _recorded(command, owner, run)))
    return Decision(events=tuple(events), answer=Answer(status=Status.ACCEPT, aggregate_id=owner.id))


def _went_with_its_flow_run(run: TaskRun, situation: Situation[TaskRun]) -> bool:
    flow_run = situation.others.get(Aggregate("flow_run", str(run.flow_run_id)))
    return flow_run is not None and flow_run.is_deleted


def _recorded(command: RecordTaskRunState, owner: Aggregate, run: TaskRun) -> TaskRunStateRecorded:
    state = _with_details(command, owner)
    if run.state is not None and run.state.timestamp >= state.timestamp:
        return TaskRunStateRecorded(state=state, is_latest=False)
    report = command.task_run
    count = report.flow_run_run_count if "flow_run_run_count" in report.model_fields_set else run.flow_run_run_count
    return TaskRunStateRecorded(
        state=state,
        is_latest=True,
        fields=_fields(command, run),
        progress=_progress(report, run),
        flow_run_run_count=count,
    )


def _with_details(command: RecordTaskRunState, owner: Aggregate) -> State:
    details = command.state.state_details.model_copy(
        update={"flow_run_id": command.flow_run_id, "task_run_id": UUID(owner.id)}
    )
    return command.state.model_copy(update={"state_details": details})


def _fields(command: RecordTaskRunState, run: TaskRun) -> TaskRunFields:
    report = command.task_run
    given = {name: getattr(report, name) for name in report.model_fields_set & _FIELDS}
    if run.fields is not None:
        name = report.name or run.fields.name
        return run.fields.model_copy(update=given | {"name": name, "flow_run_id": command.flow_run_id})
    name = report.name or generated_name(command.state.id)
    unsaid = {"empirical_policy": TaskRunPolicy(), "labels": None}
    return TaskRunFields(**(unsaid | given), name=name, flow_run_id=command.flow_run_id)


def _progress(report: ReportedTaskRun, run: TaskRun) -> RunProgress:
    given = {name: getattr(report, name) for name in report.model_fields_set & _PROGRESS}
    if "total_run_time" in report.model_fields_set:
        given["total_run_time"] = report.total_run_time.total_seconds()
    return run.progress.model_copy(update=given)
