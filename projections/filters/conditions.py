"""The leaves of Prefect's filters: each knows the SQL conditions its operators stand for.

A leaf is told which column it is about, and hands its values to a `Parameters`, which gives back the
placeholder: values are bound, never formatted into the text.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from events.state import StateType
from projections.filters.text_query import parse
from projections.moments import Moment

TRUE: Final = "TRUE"
FALSE: Final = "FALSE"


class Operator(StrEnum):
    """How conditions are joined."""

    and_ = "and_"
    or_ = "or_"


class Parameters:
    """The values bound to a statement, and their placeholders."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def bind(self, value: Any) -> str:
        """The placeholder for a value."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"


def joined(conditions: list[str], operator: Operator = Operator.and_) -> str:
    """One condition from many; none at all holds for everything."""
    if not conditions:
        return TRUE
    word = " AND " if operator is Operator.and_ else " OR "
    return "(" + word.join(conditions) + ")"


class Leaf(BaseModel):
    """What is asked of one column."""

    model_config = ConfigDict(extra="forbid")

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """One SQL condition for each operator that was given."""
        raise NotImplementedError

    def sql(self, column: str, parameters: Parameters) -> str:
        """The leaf as one condition."""
        operator = getattr(self, "operator", Operator.and_)
        return joined(self.conditions(column, parameters), operator)


def any_of(column: str, values: list[Any], parameters: Parameters, cast: str) -> str:
    """The column has one of the values; with no values, nothing does."""
    return f"{column} = ANY ({parameters.bind(values)}::{cast}[])"


def none_of(column: str, values: list[Any], parameters: Parameters, cast: str) -> str:
    """The column has none of the values; a null column does not count, as in SQL's NOT IN."""
    return f"{column} <> ALL ({parameters.bind(values)}::{cast}[])"


def is_null(column: str, wanted: bool) -> str:  # noqa: FBT001  the value of the operator
    """Whether the column is null, as wanted."""
    return f"{column} IS NULL" if wanted else f"{column} IS NOT NULL"


class AnyId(Leaf):
    """`any_` on a uuid."""

    any_: list[UUID] | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        return [] if self.any_ is None else [any_of(column, self.any_, parameters, "uuid")]


class AnyOrNotAnyId(AnyId):
    """`any_` and `not_any_` on a uuid."""

    not_any_: list[UUID] | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        found = super().conditions(column, parameters)
        # An empty list of exceptions excepts nothing.
        return found + ([none_of(column, self.not_any_, parameters, "uuid")] if self.not_any_ else [])


class NullableId(AnyId):
    """`any_` and `is_null_` on a uuid, with an operator."""

    operator: Operator = Operator.and_
    is_null_: bool | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        found = super().conditions(column, parameters)
        return found + ([is_null(column, self.is_null_)] if self.is_null_ is not None else [])


class AnyIdWithOperator(AnyId):
    """`any_` on a uuid, with an operator."""

    operator: Operator = Operator.and_


class TaskNullableId(Leaf):
    """A task run's flow run: `is_null_` defaults to false, and wins over `any_` when true."""

    operator: Operator = Operator.and_
    any_: list[UUID] | None = None
    is_null_: bool | None = False

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        if self.is_null_ is True:
            return [is_null(column, wanted=True)]
        if self.is_null_ is False and self.any_ is None:
            return [is_null(column, wanted=False)]
        return [] if self.any_ is None else [any_of(column, self.any_, parameters, "uuid")]


class Name(Leaf):
    """`any_` and `like_` on a text; `like_` is a case-insensitive part, `%` and `_` are wildcards."""

    any_: list[str] | None = None
    like_: str | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        found = [] if self.any_ is None else [any_of(column, self.any_, parameters, "text")]
        # An empty part is no condition; psycopg doubles no `%` inside bound values.
        return found + ([f"{column} ILIKE {parameters.bind(f'%{self.like_}%')}"] if self.like_ else [])


class AnyText(Leaf):
    """`any_` on a text."""

    any_: list[str] | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        return [] if self.any_ is None else [any_of(column, self.any_, parameters, "text")]


class AnyOrNotAnyText(AnyText):
    """`any_` and `not_any_` on a text."""

    not_any_: list[str] | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        found = super().conditions(column, parameters)
        return found + ([none_of(column, self.not_any_, parameters, "text")] if self.not_any_ else [])


class NullableText(AnyText):
    """`any_` and `is_null_` on a text, with an operator."""

    operator: Operator = Operator.and_
    is_null_: bool | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        found = super().conditions(column, parameters)
        return found + ([is_null(column, self.is_null_)] if self.is_null_ is not None else [])


class Tags(Leaf):
    """`all_` and `is_null_` on tags; no tags at all is what null means."""

    operator: Operator = Operator.and_
    all_: list[str] | None = None
    is_null_: bool | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        found = []
        if self.all_:
            found.append(f"{column} @> {parameters.bind(self.all_)}::text[]")
        if self.is_null_ is not None:
            found.append(f"{column} {'=' if self.is_null_ else '<>'} '{{}}'")
        return found


class TagsWithAny(Tags):
    """`any_` as well: at least one of the tags."""

    any_: list[str] | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        found = super().conditions(column, parameters)
        return found + ([] if self.any_ is None else [f"{column} && {parameters.bind(self.any_)}::text[]"])


class Between(Leaf):
    """`before_` and `after_`, both inclusive."""

    before_: Moment | None = None
    after_: Moment | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        found = []
        if self.before_ is not None:
            found.append(f"{column} <= {parameters.bind(self.before_)}")
        if self.after_ is not None:
            found.append(f"{column} >= {parameters.bind(self.after_)}")
        return found


class NullableBetween(Between):
    """`is_null_` as well."""

    is_null_: bool | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        found = super().conditions(column, parameters)
        return found + ([is_null(column, self.is_null_)] if self.is_null_ is not None else [])


class StartTime(NullableBetween):
    """The start of a flow run: the expected one as long as it has not started; `is_null_` asks for the real one."""

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        effective = f"coalesce({column}, {column.replace('start_time', 'expected_start_time')})"
        found = Between.conditions(self, effective, parameters)
        return found + ([is_null(column, self.is_null_)] if self.is_null_ is not None else [])


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
    """Whether a flow has no deployment; there are none yet."""

    operator: Operator = Operator.and_
    is_null_: bool | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:  # noqa: ARG002  a leaf's signature
        """See Leaf."""
        return [] if self.is_null_ is None else [TRUE if self.is_null_ else FALSE]


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
