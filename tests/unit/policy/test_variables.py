"""Variables: a name for each, which may change."""

from __future__ import annotations

from uuid import UUID

from antiphon.events.document.commands import CreateFlow, CreateVariable, DeleteVariable, UpdateFlow, UpdateVariable
from antiphon.events.outcome import Status
from antiphon.events.subjects import Aggregate
from tests.world import World

ONE, OTHER = (Aggregate("variable", str(UUID(int=number))) for number in (1, 2))
FLOW = Aggregate("flow", str(UUID(int=3)))


def world() -> World:
    """One variable."""
    made = World()
    assert made.when(ONE, CreateVariable(data={"name": "one", "value": 1})).status is Status.CREATED
    return made


def create(made: World, name: str) -> Status:
    """Create the other one."""
    return made.when(OTHER, CreateVariable(data={"name": name, "value": None})).status


def test_a_name_is_taken_once() -> None:
    assert create(world(), "one") is Status.CONFLICT


def test_a_changed_name_is_taken_and_the_former_one_free() -> None:
    made = world()
    assert made.when(ONE, UpdateVariable(changes={"name": "new"})).status is Status.UPDATED
    assert made.state(ONE).data == {"name": "new", "value": 1, "tags": []}
    assert (create(made, "new"), create(made, "one")) == (Status.CONFLICT, Status.CREATED)


def test_a_name_that_another_has_is_refused() -> None:
    made = world()
    create(made, "other")
    answer = made.when(OTHER, UpdateVariable(changes={"name": "one", "value": 2}))
    assert (answer.status, made.state(OTHER).data["value"]) == (Status.CONFLICT, None)


def test_its_own_name_is_no_change_of_it() -> None:
    made = world()
    assert made.when(ONE, UpdateVariable(changes={"name": "one", "value": 2})).status is Status.UPDATED
    assert create(made, "one") is Status.CONFLICT


def test_a_deleted_variable_leaves_its_name() -> None:
    made = world()
    assert made.when(ONE, DeleteVariable()).status is Status.DELETED
    assert create(made, "one") is Status.CREATED


def test_what_must_be_there_cannot_become_null() -> None:
    made = world()
    for changes in ({"name": None}, {"tags": None}):
        assert made.when(ONE, UpdateVariable(changes=changes)).status is Status.CONFLICT
    assert made.when(ONE, UpdateVariable(changes={"value": None})).status is Status.UPDATED


def test_a_flow_keeps_its_name() -> None:
    made = World()
    made.when(FLOW, CreateFlow(data={"name": "flow"}))
    assert made.when(FLOW, UpdateFlow(changes={"name": "other"})).status is Status.INVALID
