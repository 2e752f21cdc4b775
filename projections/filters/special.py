"""The leaves of Prefect's filters that are about one thing only: states, creators, levels, texts."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from events.state import StateType
from projections.filters.conditions import (
    AnyOrNotAnyText,
    AnyText,
    Leaf,
    Operator,
    Parameters,
    any_of,
    is_null,
    joined,
    none_of,
)
from projections.filters.text_query import parse


class AnyStateType(Leaf):
    """`any_` on the type of a state."""

    any_: list[StateType] | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        return [] if self.any_ is None else [any_of(column, [item.value for item in self.any_], parameters, "text")]


class AnyOrNotAnyStateType(AnyStateType):
    """`any_` and `not_any_` on the type of a state."""

    not_any_: list[StateType] | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        found = super().conditions(column, parameters)
        if not self.not_any_:
            return found
        return [*found, none_of(column, [item.value for item in self.not_any_], parameters, "text")]


class TaskState(Leaf):
    """A task run's state: its type and its name."""

    operator: Operator = Operator.and_
    type: AnyStateType | None = None
    name: AnyText | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf; `column` is the prefix of `_type` and `_name`."""
        found: list[str] = []
        for part, name in ((self.type, "type"), (self.name, "name")):
            conditions = part.conditions(f"{column}_{name}", parameters) if part is not None else []
            # Prefect drops a part that does not come down to a single comparison (queries.md section 4).
            found.extend(conditions if len(conditions) == 1 else [])
        return found


class FlowRunState(TaskState):
    """A flow run's state, with `not_any_` as well."""

    type: AnyOrNotAnyStateType | None = None
    name: AnyOrNotAnyText | None = None


class CreatedByFilter(Leaf):
    """Who created a run: any of these ids, any of these types, or whether nobody is known."""

    operator: Operator = Operator.and_
    id_: list[UUID] | None = None
    type_: list[str] | None = None
    is_null_: bool | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        found = []
        if self.id_:
            found.append(any_of(f"({column} ->> 'id')", [str(item) for item in self.id_], parameters, "text"))
        if self.type_:
            found.append(any_of(f"({column} ->> 'type')", self.type_, parameters, "text"))
        if self.is_null_ is not None:
            found.append(is_null(column, self.is_null_))
        return found


class Level(Leaf):
    """`ge_` and `le_` on the level of a log line."""

    ge_: int | None = None
    le_: int | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        found = []
        if self.ge_ is not None:
            found.append(f"{column} >= {parameters.bind(self.ge_)}::bigint")
        if self.le_ is not None:
            found.append(f"{column} <= {parameters.bind(self.le_)}::bigint")
        return found


class Exists(Leaf):
    """`exists_`: whether a flow run has this task run as its parent."""

    exists_: bool | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:  # noqa: ARG002  a leaf's signature
        """See Leaf."""
        if self.exists_ is None:
            return []
        found = f"EXISTS (SELECT FROM flow_run AS sub WHERE sub.parent_task_run_id = {column})"
        return [found if self.exists_ else f"NOT {found}"]


class HasDeployment(Leaf):
    """Whether a flow has no deployment."""

    operator: Operator = Operator.and_
    is_null_: bool | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:  # noqa: ARG002  a leaf's signature
        """See Leaf."""
        if self.is_null_ is None:
            return []
        exists = f"EXISTS (SELECT FROM deployment AS d WHERE d.flow_id = {column})"
        return [f"NOT {exists}" if self.is_null_ else exists]


class TextSearch(Leaf):
    """A text query over a log line's message and name (queries.md section 7)."""

    query: Annotated[str, Field(max_length=200)]

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        query = parse(self.query)

        def holds(term: str) -> str:
            return f"strpos(lower({column}), {parameters.bind(term.lower())}) > 0"

        found = [f"NOT {holds(term)}" for term in query.excluded]
        found.extend(holds(term) for term in query.required)
        if query.included:
            found.append(joined([holds(term) for term in query.included], Operator.or_))
        return found
