"""The leaves of Prefect's filters: each knows the SQL conditions its operators stand for.

A leaf is told which column it is about, and hands its values to a `Parameters`, which gives back the
placeholder: values are bound, never formatted into the text.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict

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


def _tagged(condition: str, column: str) -> str:
    """The condition, said so that the index on rows with tags can answer it."""
    return f"({column} <> '{{}}' AND {condition})"


class Tags(Leaf):
    """`all_` and `is_null_` on tags; no tags at all is what null means."""

    operator: Operator = Operator.and_
    all_: list[str] | None = None
    is_null_: bool | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        found = []
        if self.all_:
            found.append(_tagged(f"{column} @> {parameters.bind(self.all_)}::text[]", column))
        if self.is_null_ is not None:
            found.append(f"{column} {'=' if self.is_null_ else '<>'} '{{}}'")
        return found


class TagsWithAny(Tags):
    """`any_` as well: at least one of the tags."""

    any_: list[str] | None = None

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        found = super().conditions(column, parameters)
        if self.any_ is not None:
            found.append(_tagged(f"{column} && {parameters.bind(self.any_)}::text[]", column))
        return found


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
