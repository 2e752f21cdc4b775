"""Filters on several kinds of objects: an AND of conditions on related rows (docs/prefect/queries.md section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from antiphon.projections.filters.conditions import Parameters, joined, related
from antiphon.projections.filters.objects import (
    ArtifactCollectionFilter,
    ArtifactFilter,
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    LogFilter,
    ObjectFilter,
    TaskRunFilter,
    VariableFilter,
    WorkPoolFilter,
    WorkQueueFilter,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """The filter objects of a request; even an empty object requires a related row."""

    flows: FlowFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: TaskRunFilter | None = None
    deployments: DeploymentFilter | None = None
    work_pools: WorkPoolFilter | None = None
    work_pool_queues: WorkQueueFilter | None = None
    logs: LogFilter | None = None
    variables: VariableFilter | None = None
    artifacts: ArtifactFilter | ArtifactCollectionFilter | None = None

    def on(self, table: str, parameters: Parameters) -> str:
        """The condition on rows of a table."""
        found = [f"NOT {table}.{column}" for column in _HIDDEN_BY.get(table, ())]
        own = self.own(table)
        if own is not None:
            found.append(own.sql(table, parameters))
        for relation in _RELATIONS.get(table, ()):
            part = self._only(relation.filters)
            if part is not None:
                join = f"{relation.table}.{relation.key} = {table}.{relation.column}"
                found.append(related(relation.table, join, part.on(relation.table, parameters)))
        return joined(found)

    def columns(self, table: str) -> set[str]:
        """The columns of a table that the condition on its rows refers to."""
        own = self.own(table)
        joined_by = {each.column for each in _RELATIONS.get(table, ()) if self._only(each.filters) is not None}
        return joined_by.union(_HIDDEN_BY.get(table, ()), () if own is None else own.columns())

    def own(self, table: str) -> ObjectFilter | None:
        """The filter on the rows of a table themselves."""
        found: ObjectFilter | None = getattr(self, _FILTER_OF[table])
        return found

    def with_own(self, table: str, filter_: ObjectFilter) -> Criteria:
        """The criteria with another filter on the rows of a table."""
        changed: dict[str, Any] = {_FILTER_OF[table]: filter_}
        return replace(self, **changed)

    def _only(self, names: tuple[str, ...]) -> Criteria | None:
        """The criteria with only these filters; None if there are none."""
        others = {field.name: None for field in fields(self) if field.name not in names}
        part = replace(self, **others)
        return None if part == _NOTHING else part


@dataclass(frozen=True, slots=True)
class Relation:
    """Filters that one row of another table must meet together."""

    table: str
    #: The column of the other table that equals `column` of this table.
    key: str
    column: str
    filters: tuple[str, ...]


_NOTHING: Final = Criteria()

#: The filter on the rows of each table.
_FILTER_OF: Final[Mapping[str, str]] = {
    "flow": "flows",
    "flow_run": "flow_runs",
    "task_run": "task_runs",
    "deployment": "deployments",
    "work_pool": "work_pools",
    "work_queue": "work_pool_queues",
    "log": "logs",
    "variable": "variables",
    "artifact": "artifacts",
    "artifact_collection": "artifacts",
}

#: The columns that hide rows from every query: a task run is hidden until its flow run exists.
_HIDDEN_BY: Final[Mapping[str, Sequence[str]]] = {"task_run": ("awaits_flow_run",)}

#: The relations of tables that refer to a flow run and a task run.
_OF_RUNS: Final = (
    Relation("flow_run", "id", "flow_run_id", ("flows", "flow_runs", "deployments")),
    Relation("task_run", "id", "task_run_id", ("task_runs",)),
)


_RELATIONS: Final[Mapping[str, tuple[Relation, ...]]] = {
    "artifact": _OF_RUNS,
    "artifact_collection": _OF_RUNS,
    "flow": (
        Relation("flow_run", "flow_id", "id", ("flow_runs", "task_runs")),
        Relation("deployment", "flow_id", "id", ("deployments", "work_pools")),
    ),
    "flow_run": (
        Relation("deployment", "id", "deployment_id", ("deployments",)),
        Relation("work_queue", "id", "work_queue_id", ("work_pools", "work_pool_queues")),
        Relation("flow", "id", "flow_id", ("flows",)),
        Relation("task_run", "flow_run_id", "id", ("task_runs",)),
    ),
    "task_run": (
        Relation(
            "flow_run",
            "id",
            "flow_run_id",
            ("flows", "flow_runs", "deployments", "work_pools", "work_pool_queues"),
        ),
    ),
    "deployment": (
        Relation("flow", "id", "flow_id", ("flows",)),
        Relation("flow_run", "deployment_id", "id", ("flow_runs", "task_runs")),
        Relation("work_queue", "id", "work_queue_id", ("work_pools", "work_pool_queues")),
    ),
    "work_queue": (Relation("work_pool", "id", "work_pool_id", ("work_pools",)),),
}
