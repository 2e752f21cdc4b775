"""Derived ids: the same request, the same id, in every version to come."""

from __future__ import annotations

from uuid import UUID

from antiphon.events import ids
from tests.examples import COMMAND_ID, FLOW_ID, RUN_ID


def test_derived_ids_never_change() -> None:
    assert ids.flow_run_id(FLOW_ID, "key") == UUID("46fea056-f385-51bb-9e94-ae97273fbd85")
    assert ids.flow_run_input_id(RUN_ID, "key") == UUID("6cbe4fa9-364f-57c4-b722-1884e10136eb")
    assert ids.derived(COMMAND_ID, "mirror") == UUID("27a6e200-27af-513b-87fa-4271a7a5a7f2")
    assert ids.name_aggregate("flow", "name") == ("name", "b12cf4d7cd08becc97126a7b48f5da56bb8ebfd5")


def test_a_uuid_is_its_own_command_id_and_any_other_text_stands_for_one() -> None:
    assert ids.command_id(str(COMMAND_ID)) == COMMAND_ID
    assert ids.command_id("once") == ids.command_id("once") == UUID("970a9063-c1e3-54ef-8e5b-825530f71a1b")
    assert ids.command_id("once") != ids.command_id("twice")


def test_the_parts_of_a_name_do_not_run_together() -> None:
    assert ids.name_aggregate("task_run", "a", "bc") != ids.name_aggregate("task_run", "ab", "c")
