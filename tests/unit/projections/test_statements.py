"""Every statement, and every column that is computed, says of which rows with a past it needs to know."""

from __future__ import annotations

import re
from typing import Final

from antiphon.projections.as_of.touched import TOUCHED
from antiphon.projections.core.statements import statements
from antiphon.projections.engine.writer import _ORDER

_WITHOUT_PAST: Final = {"log", "poll", "event"}
_WITH_PAST: Final = {table.name for table in _ORDER} - _WITHOUT_PAST | {"parked_aggregate"}


def _named(text: str) -> set[str]:
    """The tables with a past that SQL reads or writes."""
    return set(re.findall(r"(?:FROM|JOIN|UPDATE|INTO) (\w+)", text)) & _WITH_PAST


def test_what_a_statement_touches_are_the_tables_that_it_names() -> None:
    declared = {name: {one.table for one in found} for name, found in TOUCHED.items()}
    assert declared == {name: tables for name, text in statements().items() if (tables := _named(text))}
    assert declared["delete_flow"] >= {"flow_run", "task_run", "task_run_state", "deployment"}


def test_conditions_look_only_for_rows_that_were_fetched_before() -> None:
    for name, found in TOUCHED.items():
        fetched: set[str] = set()
        for one in found:
            assert _named(one.condition) <= fetched, name
            fetched.add(one.table)


def test_what_is_computed_looks_for_rows_that_its_table_says() -> None:
    for table in _ORDER:
        looked_for = set((table.looked_for or {}).values())
        assert looked_for == _named(" ".join((table.computed or {}).values()))
