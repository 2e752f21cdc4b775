"""The leaves of Prefect's filters: each leaf declares its operators, and each operator has one translation into SQL.

The caller passes a column to a leaf. The leaf binds its values to a `Parameters` and uses the placeholders: no value
is formatted into the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from antiphon.projections.core.moments import Moment

TRUE: Final = "TRUE"
#: The indexes of texts hold this many characters (schema/tables/flow_run.sql).
_INDEXED: Final = 500


class Operator(StrEnum):
    """The operators that join conditions."""

    and_ = "and_"
    or_ = "or_"


class Parameters:
    """The values bound to a statement, and their placeholders."""

    def __init__(self, *, uses_tag_tables: bool = False) -> None:
        self.values: dict[str, Any] = {}
        #: Whether the statement may use the tag tables of runs (projections/filters/tags.py).
        self.uses_tag_tables = uses_tag_tables

    def bind(self, value: Any) -> str:
        """Bind a value, and return its placeholder."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"


def joined(conditions: list[str], operator: Operator = Operator.and_) -> str:
    """Join conditions into one; without any, it holds for every row."""
    if not conditions:
        return TRUE
    word = " AND " if operator is Operator.and_ else " OR "
    return "(" + word.join(conditions) + ")"


def related(table: str, join: str, condition: str = TRUE) -> str:
    """The condition that another table has a joined row that meets a condition."""
    return f"EXISTS (SELECT FROM {table} WHERE {join} AND {condition})"


#: Translates an operator into a condition. Its arguments are the column, the value of the operator, the parameters of
#: the statement and the type of the column. It returns None for a value without effect.
OperatorSql = Callable[[str, Any, Parameters, str], str | None]


def _any_of(column: str, values: list[Any], parameters: Parameters, cast: str) -> str:
    if len(values) == 1:
        # With an equality, an index returns rows in the order of its next column.
        return f"{column} = {parameters.bind(values[0])}::{cast}"
    # Without values, the condition holds for no row.
    return f"{column} = ANY ({parameters.bind(values)}::{cast}[])"


def beginning(column: str) -> str:
    """The indexed beginning of a text column: a whole text may be too long for an index entry."""
    return f"left({column}, {_INDEXED})"


def any_of_indexed(column: str, values: list[str], parameters: Parameters, cast: str) -> str:
    """The condition that a column has one of some texts; uses the index on its beginning."""
    # A shorter text equals its own beginning.
    are_short = all(len(value) < _INDEXED for value in values)
    return _any_of(beginning(column) if are_short else column, values, parameters, cast)


def _none_of(column: str, values: list[Any], parameters: Parameters, cast: str) -> str | None:
    # A null column fails the condition, as with SQL's NOT IN; an empty list has no effect.
    return f"{column} <> ALL ({parameters.bind(values)}::{cast}[])" if values else None


def _is_null(column: str, wanted: bool, _: Parameters, __: str) -> str:  # noqa: FBT001  the value of the operator
    return f"{column} IS NULL" if wanted else f"{column} IS NOT NULL"


def _exists(column: str, wanted: bool, parameters: Parameters, cast: str) -> str:  # noqa: FBT001  the operator's value
    return _is_null(column, not wanted, parameters, cast)


def _like(column: str, part: str, parameters: Parameters, _: str) -> str | None:
    # An empty part has no effect. ILIKE would convert the pattern to lower case again for each row.
    return f"lower({column}) LIKE lower({parameters.bind(f'%{part}%')}::text)" if part else None


def _starts_with(column: str, prefixes: list[str], parameters: Parameters, _: str) -> str | None:
    return (
        f"{column} ILIKE ANY ({parameters.bind([f'{prefix}%' for prefix in prefixes])}::text[])" if prefixes else None
    )


def _compared(sign: str) -> OperatorSql:
    return lambda column, value, parameters, cast: f"{column} {sign} {parameters.bind(value)}::{cast}"


OPERATORS: Final[Mapping[str, OperatorSql]] = {
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
#: The operators on texts whose beginning is indexed.
INDEXED_OPERATORS: Final[Mapping[str, OperatorSql]] = {**OPERATORS, "any_": any_of_indexed}


class Leaf(BaseModel):
    """A filter on one column: a field for each operator, and `operator` where it may join them with OR."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True)

    #: PostgreSQL's type of the column.
    CAST: ClassVar[str] = "text"
    #: Whether an enclosing filter joins each condition of this leaf by itself.
    IS_SPREAD: ClassVar[bool] = False
    #: The fields that are operators, and their translations.
    OPERATOR_SQL: ClassVar[Mapping[str, OperatorSql]] = OPERATORS

    def conditions(self, column: str, parameters: Parameters) -> list[str]:
        """One SQL condition for each operator with an effect."""
        given = ((name, getattr(self, name)) for name in type(self).model_fields if name in self.OPERATOR_SQL)
        found = (
            self.OPERATOR_SQL[name](column, value, parameters, self.CAST) for name, value in given if value is not None
        )
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
    """The flow run of a task run: `is_null_` defaults to false, and overrides `any_` if true."""

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

    OPERATOR_SQL: ClassVar[Mapping[str, OperatorSql]] = INDEXED_OPERATORS


class NullableIndexedText(IndexedText):
    """`any_` and `is_null_` on a text whose beginning is indexed, with an operator."""

    operator: Operator = Operator.and_
    is_null_: bool | None = None


class Like(Leaf):
    """`like_` on a text: a case-insensitive part; `%` and `_` in it are wildcards."""

    like_: str | None = None


class Name(AnyText):
    """`any_` and `like_` on a text."""

    like_: str | None = None


class IndexedName(Name):
    """`any_` and `like_` on a text whose beginning is indexed."""

    OPERATOR_SQL: ClassVar[Mapping[str, OperatorSql]] = INDEXED_OPERATORS


class NullableName(Name):
    """`any_`, `like_` and `exists_` on a text."""

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
    """`before_`, `after_` and `is_null_`."""

    is_null_: bool | None = None


class IsTrue(Leaf):
    """`eq_` on a boolean."""

    CAST: ClassVar[str] = "boolean"

    eq_: bool | None = None


class Level(Leaf):
    """`ge_` and `le_` on a number."""

    #: A number in a request may have any size.
    CAST: ClassVar[str] = "numeric"

    ge_: int | None = None
    le_: int | None = None
