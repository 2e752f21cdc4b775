"""Finds flow runs by a part of their name in a table of names (schema/derived/flow_run_name.sql)."""

from __future__ import annotations

from typing import Final

from antiphon.projections.core.reading import LARGEST
from antiphon.projections.filters.conditions import Operator, Parameters
from antiphon.projections.filters.criteria import Criteria

#: The number of names that a search among the latest runs reads for each requested run.
_FOR_EACH: Final = 400


def part_asked_for(criteria: Criteria) -> str | None:
    """The part of a name that the criteria require, if any."""
    runs = criteria.flow_runs
    if runs is None or runs.name is None or runs.operator is not Operator.and_:
        return None
    return runs.name.like_ or None


def latest(part: str, wanted: int, parameters: Parameters) -> str:
    """A FROM item with the latest flow runs whose names contain the part; enough of them if the part is common."""
    limit = parameters.bind(min(wanted * _FOR_EACH, LARGEST))
    names = f"SELECT id, lower_name FROM flow_run_name ORDER BY id DESC LIMIT {limit}"  # noqa: S608  our own text
    return (
        f"(SELECT id AS named_id FROM ({names}) AS name WHERE {_has(part, parameters)}) AS named"  # noqa: S608
        " JOIN flow_run ON flow_run.id = named_id"
    )


def among_all(part: str, parameters: Parameters) -> str:
    """The condition that the table of names has the part: this finds a rare part without reading the runs."""
    return f"flow_run.id IN (SELECT id FROM flow_run_name WHERE {_has(part, parameters)})"  # noqa: S608  our own text


def _has(part: str, parameters: Parameters) -> str:
    return f"lower_name LIKE lower({parameters.bind(f'%{part}%')}::text)"
