"""Filters by tags. The tags of runs also have tables of their own, ordered by id (schema/derived/run_tag.sql)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from antiphon.projections.filters.conditions import Leaf, Operator, OperatorSql, Parameters, joined, related

#: The columns whose tags also have a table of their own.
_WITH_TAG_TABLE: Final = frozenset({"flow_run.tags", "task_run.tags"})
#: Longer tags, in bytes, are missing in that table: they may be too long for an index entry.
_LONGEST_TAG: Final = 1000
#: The planner considers every order of this many joins; more take too long to plan.
_MOST_JOINED: Final = 4


def _has_tag(column: str, condition: str) -> str:
    table = column.removesuffix(".tags")
    return related(f"{table}_tag AS tagged", f"tagged.id = {table}.id", f"tagged.{condition}")


def is_in_tag_table(tag: str) -> bool:
    """Whether the tag table of runs holds a tag (schema/derived/run_tag.sql)."""
    return len(tag.encode()) <= _LONGEST_TAG


def _uses_tag_table(column: str, parameters: Parameters) -> bool:
    return parameters.uses_tag_tables and column in _WITH_TAG_TABLE


def _all_tags(column: str, tags: list[str], parameters: Parameters, _: str) -> str | None:
    if not tags:
        return None
    distinct = sorted(set(tags))
    short = [tag for tag in distinct if is_in_tag_table(tag)]
    joins = short[:_MOST_JOINED] if _uses_tag_table(column, parameters) else []
    conditions = [_has_tag(column, f"tag = {parameters.bind(tag)}") for tag in joins]
    if others := [tag for tag in distinct if tag not in joins]:
        conditions.append(f"{column} @> {parameters.bind(others)}::text[]")
    return joined(conditions)


def _any_tag(column: str, tags: list[str], parameters: Parameters, _: str) -> str:
    wanted = f"{parameters.bind(tags)}::text[]"
    if _uses_tag_table(column, parameters) and all(map(is_in_tag_table, tags)):
        return _has_tag(column, f"tag = ANY ({wanted})")
    return f"{column} && {wanted}"


def _no_tags(column: str, wanted: bool, _: Parameters, __: str) -> str:  # noqa: FBT001  the value of the operator
    return f"{column} {'=' if wanted else '<>'} '{{}}'"


#: The operators on tags; `is_null_` tests for an empty array.
_OPERATORS: Final[Mapping[str, OperatorSql]] = {"all_": _all_tags, "any_": _any_tag, "is_null_": _no_tags}


class Tags(Leaf):
    """`all_` and `is_null_` on tags, with an operator."""

    OPERATOR_SQL: ClassVar[Mapping[str, OperatorSql]] = _OPERATORS

    operator: Operator = Operator.and_
    all_: list[str] | None = None
    is_null_: bool | None = None


class TagsWithAny(Tags):
    """`all_`, `is_null_` and `any_`, which requires at least one of the tags."""

    any_: list[str] | None = None
