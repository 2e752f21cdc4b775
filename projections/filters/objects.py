"""Prefect's filter objects: their fields, and the column of each field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

from antiphon.projections.filters.conditions import (
    AnyId,
    AnyIdWithOperator,
    AnyOrNotAnyId,
    AnyOrNotAnyText,
    AnyOrNullId,
    AnyText,
    Between,
    IndexedName,
    IndexedText,
    IsTrue,
    Leaf,
    Level,
    Name,
    NameOrPrefix,
    NullableBetween,
    NullableId,
    NullableIndexedText,
    NullableName,
    Operator,
    Parameters,
    TaskNullableId,
    joined,
)
from antiphon.projections.filters.special import (
    CreatedByFilter,
    Exists,
    FlowOrDeploymentName,
    FlowRunState,
    HasDeployment,
    Ignored,
    StartTime,
    TaskState,
    TextSearch,
)
from antiphon.projections.filters.tags import Tags, TagsWithAny

_STATE: Final = frozenset({"state_type", "state_name"})


class ObjectFilter(BaseModel):
    """A filter on one kind of object; an absent field has no effect."""

    model_config = ConfigDict(extra="forbid")

    #: The SQL of fields that are not a column of the same name; `{t}` is the table.
    SQL: ClassVar[Mapping[str, str]] = {}
    #: The columns in the conditions of fields that are not a column of the same name.
    COLUMNS: ClassVar[Mapping[str, frozenset[str]]] = {}

    operator: Operator = Operator.and_

    def columns(self) -> frozenset[str]:
        """The columns of the table that the condition refers to."""
        given = (name for name in type(self).model_fields if isinstance(getattr(self, name), Leaf))
        return frozenset[str]().union(*(self.COLUMNS.get(name, {name}) for name in given))

    def sql(self, table: str, parameters: Parameters) -> str:
        """The filter as one condition on the rows of `table`."""
        found = []
        for name in type(self).model_fields:
            leaf = getattr(self, name)
            if isinstance(leaf, Leaf):
                column = self.SQL.get(name, "{t}." + name).format(t=table)
                found += leaf.conditions(column, parameters) if leaf.IS_SPREAD else [leaf.sql(column, parameters)]
        return joined(found, self.operator)


class FlowFilter(ObjectFilter):
    """Prefect's FlowFilter."""

    SQL: ClassVar[Mapping[str, str]] = {"deployment": "{t}.id"}
    COLUMNS: ClassVar[Mapping[str, frozenset[str]]] = {"deployment": frozenset({"id"})}

    id: AnyOrNotAnyId | None = None
    deployment: HasDeployment | None = None
    name: Name | None = None
    tags: Tags | None = None


class FlowRunFilter(ObjectFilter):
    """Prefect's FlowRunFilter."""

    SQL: ClassVar[Mapping[str, str]] = {
        "parent_flow_run_id": "(SELECT parent.flow_run_id FROM task_run AS parent"
        " WHERE parent.id = {t}.parent_task_run_id)"
    }
    COLUMNS: ClassVar[Mapping[str, frozenset[str]]] = {
        "parent_flow_run_id": frozenset({"parent_task_run_id"}),
        "state": _STATE,
        "start_time": frozenset({"start_time", "expected_start_time"}),
        # The condition may find tags by the id of the run (projections/filters/tags.py).
        "tags": frozenset({"tags", "id"}),
    }

    id: AnyOrNotAnyId | None = None
    name: IndexedName | None = None
    tags: TagsWithAny | None = None
    deployment_id: NullableId | None = None
    work_queue_name: NullableIndexedText | None = None
    state: FlowRunState | None = None
    flow_version: IndexedText | None = None
    start_time: StartTime | None = None
    end_time: NullableBetween | None = None
    expected_start_time: Between | None = None
    next_scheduled_start_time: Between | None = None
    parent_flow_run_id: AnyIdWithOperator | None = None
    parent_task_run_id: NullableId | None = None
    idempotency_key: AnyOrNotAnyText | None = None
    created_by: CreatedByFilter | None = None


class TaskRunFilter(ObjectFilter):
    """Prefect's TaskRunFilter."""

    SQL: ClassVar[Mapping[str, str]] = {"subflow_runs": "{t}.id"}
    COLUMNS: ClassVar[Mapping[str, frozenset[str]]] = {
        "subflow_runs": frozenset({"id"}),
        "state": _STATE,
        "tags": frozenset({"tags", "id"}),
    }

    id: AnyId | None = None
    name: IndexedName | None = None
    tags: Tags | None = None
    state: TaskState | None = None
    start_time: NullableBetween | None = None
    end_time: NullableBetween | None = None
    expected_start_time: Between | None = None
    subflow_runs: Exists | None = None
    flow_run_id: TaskNullableId | None = None


class LogFilter(ObjectFilter):
    """Prefect's LogFilter."""

    SQL: ClassVar[Mapping[str, str]] = {"text": "({t}.message || ' ' || {t}.name)"}
    COLUMNS: ClassVar[Mapping[str, frozenset[str]]] = {"text": frozenset({"message", "name"})}

    level: Level | None = None
    timestamp: Between | None = None
    flow_run_id: AnyId | None = None
    task_run_id: AnyOrNullId | None = None
    text: TextSearch | None = None


class DeploymentFilter(ObjectFilter):
    """Prefect's DeploymentFilter."""

    SQL: ClassVar[Mapping[str, str]] = {"flow_or_deployment_name": "{t}.name"}
    COLUMNS: ClassVar[Mapping[str, frozenset[str]]] = {"flow_or_deployment_name": frozenset({"name", "flow_id"})}

    id: AnyOrNotAnyId | None = None
    name: Name | None = None
    flow_or_deployment_name: FlowOrDeploymentName | None = None
    paused: IsTrue | None = None
    tags: TagsWithAny | None = None
    work_queue_name: AnyText | None = None
    concurrency_limit: Ignored | None = None


class VariableFilter(ObjectFilter):
    """Prefect's VariableFilter."""

    id: AnyId | None = None
    name: Name | None = None
    tags: Tags | None = None


class ArtifactFilter(ObjectFilter):
    """Prefect's ArtifactFilter."""

    id: AnyId | None = None
    key: NullableName | None = None
    flow_run_id: AnyId | None = None
    task_run_id: AnyId | None = None
    type: AnyOrNotAnyText | None = None


class ArtifactCollectionFilter(ObjectFilter):
    """Prefect's ArtifactCollectionFilter."""

    latest_id: AnyId | None = None
    key: NullableName | None = None
    flow_run_id: AnyId | None = None
    task_run_id: AnyId | None = None
    type: AnyOrNotAnyText | None = None


class WorkPoolFilter(ObjectFilter):
    """Prefect's WorkPoolFilter."""

    id: AnyId | None = None
    name: AnyText | None = None
    type: AnyText | None = None


class WorkQueueFilter(ObjectFilter):
    """Prefect's WorkQueueFilter."""

    id: AnyId | None = None
    name: NameOrPrefix | None = None
