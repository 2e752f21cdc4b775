"""The leaves of Prefect's filters with several columns or a rule of their own: states, creators, relations, texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final
from uuid import UUID

from pydantic import Field

from antiphon.events.state import StateType
from antiphon.projections.filters.conditions import (
    OPERATORS,
    TRUE,
    AnyText,
    Leaf,
    Level,
    Like,
    NullableBetween,
    Operator,
    OperatorSql,
    Parameters,
    any_of_indexed,
    joined,
    related,
)
from antiphon.projections.filters.text_query import parse


class AnyStateType(Leaf):
    """`any_` on the type of a state."""

    any_: list[StateType] | None = None


class AnyOrNotAnyStateType(AnyStateType):
    """`any_` and `not_any_` on the type of a state."""

    not_any_: list[StateType] | None = None


#: The names of the states that nearly all runs pass through: they are not indexed (schema/tables/flow_run.sql).
_USUAL_NAMES: Final = frozenset({"Scheduled", "Pending", "Running", "Completed", "Failed", "Cancelled", "Crashed"})


def _any_state_name(column: str, names: list[str], parameters: Parameters, cast: str) -> str | None:
    any_of = OPERATORS["any_"] if _USUAL_NAMES.intersection(names) else any_of_indexed
    return any_of(column, names, parameters, cast)


_STATE_NAME_OPERATORS: Final[Mapping[str, OperatorSql]] = {**OPERATORS, "any_": _any_state_name}


class AnyStateName(AnyText):
    """`any_` on the name of a state."""

    OPERATOR_SQL: ClassVar[Mapping[str, OperatorSql]] = _STATE_NAME_OPERATORS


class AnyOrNotAnyStateName(AnyStateName):
    """`any_` and `not_any_` on the name of a state."""

    not_any_: list[str] | None = None


class TaskState(Leaf):
    """The type and the name of a task run's state."""

    operator: Operator = Operator.and_
    type: AnyStateType | None = None
    name: AnyStateName | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf; `column` is the prefix of `_type` and `_name`."""
        found: list[str] = []
        for part, name in ((self.type, "type"), (self.name, "name")):
            conditions = part.conditions(f"{column}_{name}", parameters) if part is not None else []
            # Prefect drops a part that is not a single comparison (docs/prefect/queries.md section 4).
            found.extend(conditions if len(conditions) == 1 else [])
        return found


class FlowRunState(TaskState):
    """The type and the name of a flow run's state; both also have `not_any_`."""

    type: AnyOrNotAnyStateType | None = None
    name: AnyOrNotAnyStateName | None = None


class StartTime(NullableBetween):
    """The start of a flow run, or its expected start if it has not started; `is_null_` tests the actual start only."""

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        effective = f"coalesce({column}, {column.replace('start_time', 'expected_start_time')})"
        between = NullableBetween(before_=self.before_, after_=self.after_)
        is_null = NullableBetween(is_null_=self.is_null_)
        return between.conditions(effective, parameters) + is_null.conditions(column, parameters)


class CreatedByFilter(Leaf):
    """The creator of a run: `id_` and `type_` list alternatives; `is_null_` tests whether the creator is unknown."""

    operator: Operator = Operator.and_
    id_: list[UUID] | None = None
    type_: list[str] | None = None
    is_null_: bool | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        found = []
        if self.id_ is not None:
            ids = AnyText(any_=[str(item) for item in self.id_])
            found += ids.conditions(f"({column} ->> 'id')", parameters)
        if self.type_ is not None:
            found += AnyText(any_=self.type_).conditions(f"({column} ->> 'type')", parameters)
        return found + super().conditions(column, parameters)


class Exists(Leaf):
    """`exists_`: whether the task run is the parent of a flow run."""

    exists_: bool | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:  # noqa: ARG002  a leaf's signature
        """See Leaf."""
        if self.exists_ is None:
            return []
        found = related("flow_run AS sub", f"sub.parent_task_run_id = {column}")
        return [found if self.exists_ else f"NOT {found}"]


class HasDeployment(Leaf):
    """`is_null_`: whether a flow has no deployment."""

    operator: Operator = Operator.and_
    is_null_: bool | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:  # noqa: ARG002  a leaf's signature
        """See Leaf."""
        if self.is_null_ is None:
            return []
        found = related("deployment AS its", f"its.flow_id = {column}")
        return [f"NOT {found}" if self.is_null_ else found]


class FlowOrDeploymentName(Like):
    """`like_` on the name of a deployment or of its flow."""

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf; `column` is the deployment's name."""
        flow_id = column.replace(".name", ".flow_id")
        own = super().conditions(column, parameters)
        its = super().conditions("its.name", parameters)
        of_flow = [related("flow AS its", f"its.id = {flow_id}", condition) for condition in its]
        return [joined(own + of_flow, Operator.or_)] if own else []


class Ignored(Level):
    """`ge_`, `le_` and `is_null_` on a deployment's concurrency limit: Prefect validates and ignores them."""

    #: With an OR, it must not count as a condition that always holds.
    IS_SPREAD: ClassVar[bool] = True

    is_null_: bool | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:  # noqa: ARG002  a leaf's signature
        """See Leaf."""
        return []


class TextSearch(Leaf):
    """A text query on the message and the name of a log line (docs/prefect/queries.md section 7)."""

    IS_SPREAD: ClassVar[bool] = True

    query: Annotated[str, Field(max_length=200)]

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        query = parse(self.query)

        def holds(term: str) -> str:
            return f"strpos(lower({column}), {parameters.bind(term.lower())}) > 0"

        included = joined([holds(term) for term in query.included], Operator.or_)
        excluded = joined([f"NOT {holds(term)}" for term in query.excluded])
        required = joined([holds(term) for term in query.required])
        return [condition for condition in (included, excluded, required) if condition != TRUE]
