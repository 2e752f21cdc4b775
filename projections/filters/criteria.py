"""How filters on several kinds of object combine: AND of the rows that are related (queries.md section 3)."""

from __future__ import annotations

from dataclasses import dataclass

from projections.filters.absent import WorkPoolFilter, WorkQueueFilter
from projections.filters.conditions import Parameters, joined
from projections.filters.deployments import DeploymentFilter
from projections.filters.objects import FlowFilter, FlowRunFilter, TaskRunFilter

#: Task runs that wait for their flow run to appear are hidden from every query.
VISIBLE_TASK_RUN = "NOT {t}.awaits_flow_run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """The filter objects of a request; an object that is present asks for a related row, even if it is empty."""

    flows: FlowFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: TaskRunFilter | None = None
    deployments: DeploymentFilter | None = None
    work_pools: WorkPoolFilter | None = None
    work_pool_queues: WorkQueueFilter | None = None

    def of_flow_runs(self, parameters: Parameters) -> str:
        """The condition on rows of `flow_run`."""
        found = self._absent(parameters)
        if self.flow_runs is not None:
            found.append(self.flow_runs.sql("flow_run", parameters))
        if self.flows is not None:
            condition = self.flows.sql("flow", parameters)
            found.append(f"EXISTS (SELECT FROM flow WHERE flow.id = flow_run.flow_id AND {condition})")
        if self.task_runs is not None:
            condition = self._task_runs(parameters)
            found.append(f"EXISTS (SELECT FROM task_run WHERE task_run.flow_run_id = flow_run.id AND {condition})")
        if self.deployments is not None:
            condition = self.deployments.sql("deployment", parameters)
            found.append(
                f"EXISTS (SELECT FROM deployment WHERE deployment.id = flow_run.deployment_id AND {condition})"
            )
        return joined(found)

    def of_task_runs(self, parameters: Parameters) -> str:
        """The condition on rows of `task_run`."""
        found = [*self._absent(parameters), VISIBLE_TASK_RUN.format(t="task_run")]
        if self.task_runs is not None:
            found.append(self.task_runs.sql("task_run", parameters))
        if self.flow_runs is not None or self.flows is not None or self.deployments is not None:
            related = Criteria(flow_runs=self.flow_runs, flows=self.flows, deployments=self.deployments).of_flow_runs(
                parameters
            )
            found.append(f"EXISTS (SELECT FROM flow_run WHERE flow_run.id = task_run.flow_run_id AND {related})")
        return joined(found)

    def of_flows(self, parameters: Parameters) -> str:
        """The condition on rows of `flow`."""
        found = self._absent(parameters)
        if self.flows is not None:
            found.append(self.flows.sql("flow", parameters))
        if self.flow_runs is not None or self.task_runs is not None:
            related = Criteria(flow_runs=self.flow_runs, task_runs=self.task_runs).of_flow_runs(parameters)
            found.append(f"EXISTS (SELECT FROM flow_run WHERE flow_run.flow_id = flow.id AND {related})")
        if self.deployments is not None:
            condition = self.deployments.sql("deployment", parameters)
            found.append(f"EXISTS (SELECT FROM deployment WHERE deployment.flow_id = flow.id AND {condition})")
        return joined(found)

    def of_deployments(self, parameters: Parameters) -> str:
        """The condition on rows of `deployment`."""
        found = self._absent(parameters)
        if self.deployments is not None:
            found.append(self.deployments.sql("deployment", parameters))
        if self.flows is not None:
            condition = self.flows.sql("flow", parameters)
            found.append(f"EXISTS (SELECT FROM flow WHERE flow.id = deployment.flow_id AND {condition})")
        if self.flow_runs is not None or self.task_runs is not None:
            related = Criteria(flow_runs=self.flow_runs, task_runs=self.task_runs).of_flow_runs(parameters)
            found.append(f"EXISTS (SELECT FROM flow_run WHERE flow_run.deployment_id = deployment.id AND {related})")
        return joined(found)

    def _task_runs(self, parameters: Parameters) -> str:
        condition = self.task_runs.sql("task_run", parameters) if self.task_runs is not None else "TRUE"
        return f"{condition} AND {VISIBLE_TASK_RUN.format(t='task_run')}"

    def _absent(self, parameters: Parameters) -> list[str]:
        absent = (self.work_pools, self.work_pool_queues)
        return [item.sql("", parameters) for item in absent if item is not None]
