"""Counts flow runs without a parent as all runs minus the subflows: sums do not distinguish them."""

from __future__ import annotations

from antiphon.projections.filters.conditions import NullableId, Operator
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.filters.objects import FlowRunFilter


def left_out(table: str, criteria: Criteria) -> tuple[Criteria, Criteria] | None:
    """For criteria that exclude subflows: the criteria with subflows, and those of subflows only; None for others."""
    runs = criteria.own(table)
    if not isinstance(runs, FlowRunFilter) or runs.operator is not Operator.and_ or runs.parent_task_run_id is None:
        return None
    if runs.parent_task_run_id.is_null_ is not True or runs.parent_task_run_id.any_ is not None:
        return None
    everything, subflows = (
        criteria.with_own(table, runs.model_copy(update={"parent_task_run_id": parent}))
        for parent in (None, NullableId(is_null_=False))
    )
    return everything, subflows
