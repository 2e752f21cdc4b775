"""Finds the latest runs in one of several types of state: an index has the runs of each type in the order of ids."""

from __future__ import annotations

from antiphon.projections.filters.conditions import Operator, Parameters
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.filters.objects import FlowRunFilter, TaskRunFilter


def latest(table: str, criteria: Criteria, wanted: int, parameters: Parameters) -> str | None:
    """A FROM item with the latest rows that meet the criteria; None unless these ask for several types of state.

    It has up to `wanted` rows of each type. With one condition on all types PostgreSQL would read the latest runs,
    first those that are only scheduled, until enough of them are in these states.
    """
    runs = criteria.own(table)
    if not isinstance(runs, FlowRunFilter | TaskRunFilter) or runs.state is None or runs.state.type is None:
        return None
    operators, types = {runs.operator, runs.state.operator}, runs.state.type
    if operators != {Operator.and_} or getattr(types, "not_any_", None) is not None or len(types.any_ or ()) < 2:
        return None
    limit = parameters.bind(wanted)
    parts = []
    for state_type in sorted(set(types.any_ or ())):
        of_type = types.model_copy(update={"any_": [state_type]})
        part = runs.model_copy(update={"state": runs.state.model_copy(update={"type": of_type})})
        condition = criteria.with_own(table, part).on(table, parameters)
        parts.append(f"(SELECT * FROM {table} WHERE {condition} ORDER BY id DESC LIMIT {limit})")  # noqa: S608
    return f"({' UNION ALL '.join(parts)}) AS {table}"
