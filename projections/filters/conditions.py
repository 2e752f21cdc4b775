"""The leaves of Prefect's filters: each declares its operators, and each operator is declared once as SQL.

A leaf is told which column it is about, and hands its values to a `Parameters`, which gives back the
placeholder: values are bound, never formatted into the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from antiphon.projections.core.moments import Moment

TRUE: Final = "TRUE"
#: Texts of runs are indexed by their first characters (schema/tables/flow_run.sql).
_INDEXED: Final = 500


class Operator(StrEnum):
    """How conditions are joined."""

    and_ = "and_"
    or_ = "or_"


class Parameters:
    """The values bound to a statement, and their placeholders."""

    def __init__(self, *, finds_tags_apart: bool = False) -> None:
        self.values: dict[str, Any] = {}
        #: Whether the statement finds tags of runs that are kept apart from the rows (projections/filters/tags.py).
        self.finds_tags_apart = finds_tags_apart

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


def related(table: str, join: str, condition: str = TRUE) -> str:
    """There is a row of another table that is joined like this, and for which the condition holds."""
    return f"EXISTS (SELECT FROM {table} WHERE {join} AND {condition})"


#: From a column, the value of an operator, a way to bind values, and the column's type, to a condition; None for a
#: value that asks nothing.
SqlOf = Callable[[str, Any, Parameters, str], str | None]


def _any_of(column: str, values: list[Any], parameters: Parameters, cast: str) -> str:
    if len(values) == 1:
        # Rows of one value can be read in the order of the next column of an index.
        return f"{column} = {parameters.bind(values[0])}::{cast}"
    # With no values, nothing is one of them.
    return f"{column} = ANY ({parameters.bind(values)}::{cast}[])"


def beginning(column: str) -> str:
    """What is indexed of a column of texts, which may be too long for an index."""
    return f"left({column}, {_INDEXED})"


def any_of_indexed(column: str, values: list[str], parameters: Parameters, cast: str) -> str:
    """One of some texts, found by the index on their beginnings."""
    # A text that is shorter than the beginning is all of it.
    are_short = all(len(value) < _INDEXED for value in values)
    return _any_of(beginning(column) if are_short else column, values, parameters, cast)


def _none_of(column: str, values: list[Any], parameters: Parameters, cast: str) -> str | None:
    # A null column does not count, as in SQL's NOT IN; an empty list of exceptions excepts nothing.
    return f"{column} <> ALL ({parameters.bind(values)}::{cast}[])" if values else None


def _is_null(column: str, wanted: bool, _: Parameters, __: str) -> str:  # noqa: FBT001  the value of the operator
    return f"{column} IS NULL" if wanted else f"{column} IS NOT NULL"


def _exists(column: str, wanted: bool, parameters: Parameters, cast: str) -> str:  # noqa: FBT001  the operator's value
    return _is_null(column, not wanted, parameters, cast)


def _like(column: str, part: str, parameters: Parameters, _: str) -> str | None:
    # An empty part is no condition; psycopg doubles no `%` inside bound values.
    # What ILIKE does too, but that turns the pattern into lower case again for each row.
    return f"lower({column}) LIKE lower({parameters.bind(f'%{part}%')}::text)" if part else None


def _starts_with(column: str, prefixes: list[str], parameters: Parameters, _: str) -> str | None:
    return (
        f"{column} ILIKE ANY ({parameters.bind([f'{prefix}%' for prefix in prefixes])}::text[])" if prefixes else None
    )


def _compared(sign: str) -> SqlOf:
    return lambda column, value, parameters, cast: f"{column} {sign} {parameters.bind(value)}::{cast}"


OPERATORS: Final[Mapping[str, SqlOf]] = {
    "any_": _any_of,
    "not_any_": _none_of,
    "is_null_": _is_null,
    "exists_": _exists,
    "like_": _like,
    "startswith_": _starts_with,
    "before_": _compared("<="),
    "after_": _compared(">="),
    "le_": _compared("<="),
    "ge_": _compared(">="),
    "eq_": _compared("="),
}
#: Of texts whose beginning is indexed.
INDEXED_OPERATORS: Final[Mapping[str, SqlOf]] = {**OPERATORS, "any_": any_of_indexed}


class Leaf(BaseModel):
    """What is asked of one column: a field for each operator, and for `operator` where alternatives are allowed."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True)

    #: PostgreSQL's type of the column.
    CAST: ClassVar[str] = "text"
    #: Whether its conditions count one by one, as if each were a leaf, where alternatives are allowed.
    IS_SPREAD: ClassVar[bool] = False
    #: What the fields that are operators stand for.
    SQL_OF: ClassVar[Mapping[str, SqlOf]] = OPERATORS

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """One SQL condition for each operator that was given and asks something."""
        given = ((name, getattr(self, name)) for name in type(self).model_fields if name in self.SQL_OF)
        found = (self.SQL_OF[name](column, value, parameters, self.CAST) for name, value in given if value is not None)
        return [condition for condition in found if condition is not None]

    def sql(self, column: str, parameters: Parameters) -> str:
        """The leaf as one condition."""
        return joined(self.conditions(column, parameters), Operator(getattr(self, "operator", Operator.and_)))


class AnyId(Leaf):
    """`any_` on a uuid."""

    CAST: ClassVar[str] = "uuid"

    any_: list[UUID] | None = None


class AnyOrNotAnyId(AnyId):
    """`any_` and `not_any_` on a uuid."""

    not_any_: list[UUID] | None = None


class AnyIdWithOperator(AnyId):
    """`any_` on a uuid, with an operator."""

    operator: Operator = Operator.and_


class NullableId(AnyIdWithOperator):
    """`any_` and `is_null_` on a uuid, with an operator."""

    is_null_: bool | None = None


class AnyOrNullId(AnyId):
    """`any_` and `is_null_` on a uuid."""

    is_null_: bool | None = None


class TaskNullableId(AnyIdWithOperator):
    """A task run's flow run: `is_null_` defaults to false, and wins over `any_` when true."""

    is_null_: bool | None = False

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """See Leaf."""
        if self.is_null_ is True or (self.is_null_ is False and self.any_ is None):
            return [_is_null(column, self.is_null_, parameters, self.CAST)]
        return [] if self.any_ is None else [_any_of(column, self.any_, parameters, self.CAST)]


class AnyText(Leaf):
    """`any_` on a text."""

    any_: list[str] | None = None


class AnyOrNotAnyText(AnyText):
    """`any_` and `not_any_` on a text."""

    not_any_: list[str] | None = None


class IndexedText(AnyText):
    """`any_` on a text whose beginning is indexed."""

    SQL_OF: ClassVar[Mapping[str, SqlOf]] = INDEXED_OPERATORS


class NullableIndexedText(IndexedText):
    """`any_` and `is_null_` on such a text, with an operator."""

    operator: Operator = Operator.and_
    is_null_: bool | None = None


class Like(Leaf):
    """`like_` on a text: a case-insensitive part, in which `%` and `_` are wildcards."""

    like_: str | None = None


class Name(AnyText):
    """`any_` and `like_` on a text."""

    like_: str | None = None


class IndexedName(Name):
    """`any_` and `like_` on a text whose beginning is indexed."""

    SQL_OF: ClassVar[Mapping[str, SqlOf]] = INDEXED_OPERATORS


class NullableName(Name):
    """`exists_` as well."""

    exists_: bool | None = None


class NameOrPrefix(AnyText):
    """`any_` and `startswith_` on a text."""

    startswith_: list[str] | None = None


class Between(Leaf):
    """`before_` and `after_`, both inclusive."""

    CAST: ClassVar[str] = "timestamptz"

    before_: Moment | None = None
    after_: Moment | None = None


class NullableBetween(Between):
    """`is_null_` as well."""

    is_null_: bool | None = None


class IsTrue(Leaf):
    """`eq_` on a boolean."""

    CAST: ClassVar[str] = "boolean"

    eq_: bool | None = None


class Level(Leaf):
    """`ge_` and `le_` on a number."""

    #: Of any size, as the numbers of a request.
    CAST: ClassVar[str] = "numeric"

    ge_: int | None = None
    le_: int | None = None
