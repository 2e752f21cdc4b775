"""Filters by tags; those of runs are kept apart too, in the order of ids (schema/derived/run_tag.sql)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from antiphon.projections.filters.conditions import Leaf, Operator, Parameters, SqlOf, joined, related

#: The tags of these are kept in tables of their own too, unless they are longer.
_TAGS_APART: Final = frozenset({"flow_run.tags", "task_run.tags"})
#: In bytes.
_LONGEST_APART: Final = 1000
#: PostgreSQL considers all orders of so many joins.
_MOST_JOINED: Final = 4


def _has_tag(column: str, condition: str) -> str:
    table = column.removesuffix(".tags")
    return related(f"{table}_tag AS tagged", f"tagged.id = {table}.id", f"tagged.{condition}")


def is_kept_apart(tag: str) -> bool:
    """Whether a tag of a run is kept in a table of its own too (schema/derived/run_tag.sql)."""
    return len(tag.encode()) <= _LONGEST_APART


def _finds_apart(column: str, parameters: Parameters) -> bool:
    return parameters.finds_tags_apart and column in _TAGS_APART


def _all_tags(column: str, tags: list[str], parameters: Parameters, _: str) -> str | None:
    if not tags:
        return None
    distinct = sorted(set(tags))
    joins = [tag for tag in distinct if is_kept_apart(tag)][:_MOST_JOINED] if _finds_apart(column, parameters) else []
    conditions = [_has_tag(column, f"tag = {parameters.bind(tag)}") for tag in joins]
    if others := [tag for tag in distinct if tag not in joins]:
        conditions.append(f"{column} @> {parameters.bind(others)}::text[]")
    return joined(conditions)


def _any_tag(column: str, tags: list[str], parameters: Parameters, _: str) -> str:
    wanted = f"{parameters.bind(tags)}::text[]"
    if _finds_apart(column, parameters) and all(map(is_kept_apart, tags)):
        return _has_tag(column, f"tag = ANY ({wanted})")
    return f"{column} && {wanted}"


def _no_tags(column: str, wanted: bool, _: Parameters, __: str) -> str:  # noqa: FBT001  the value of the operator
    return f"{column} {'=' if wanted else '<>'} '{{}}'"


#: On tags; having none at all is what null means.
_OPERATORS: Final[Mapping[str, SqlOf]] = {"all_": _all_tags, "any_": _any_tag, "is_null_": _no_tags}


class Tags(Leaf):
    """`all_` and `is_null_` on tags, with an operator."""

    SQL_OF: ClassVar[Mapping[str, SqlOf]] = _OPERATORS

    operator: Operator = Operator.and_
    all_: list[str] | None = None
    is_null_: bool | None = None


class TagsWithAny(Tags):
    """`any_` as well: at least one of the tags."""

    any_: list[str] | None = None
