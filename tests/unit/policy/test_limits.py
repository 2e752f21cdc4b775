"""Limits and leases: what is decided, and that there are never more holders than slots."""

from __future__ import annotations

from math import isfinite
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from antiphon.events.limit.commands import (
    AcquireLease,
    CreateLimit,
    DeleteLimit,
    ExpireLease,
    LimitSettings,
    ReleaseHolder,
    ReleaseLease,
    RenewLease,
    ResetLimit,
    ReturnSlots,
    TakeSlots,
    UpdateLimit,
)
from antiphon.events.limit.slots import Holder
from antiphon.events.outcome import Status
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.kinds.limit.lease import GONE, TOO_MANY
from tests.examples import TASK_ID
from tests.world import LIMIT, World

OTHER = Aggregate("limit", str(UUID(int=2)))
HOLDER = Holder(type="task_run", id=TASK_ID)


def lease(number: int) -> Aggregate:
    return Aggregate("lease", str(UUID(int=100 + number)))


def world(limit: int = 2, **fields: Any) -> World:
    made = World()
    made.when(LIMIT, CreateLimit(name="a", limit=limit, **fields))
    made.when(OTHER, CreateLimit(name="b", limit=1))
    return made


def acquire(*names: str, seconds: float | None = 60, slots: int = 1) -> AcquireLease:
    return AcquireLease(names=names, seconds=seconds, slots=slots, holder=HOLDER)


def test_a_lease_holds_slots_until_it_is_released() -> None:
    w = world()
    granted = w.when(lease(1), acquire("a"))
    assert (granted.status, [item.name for item in granted.limits]) == (Status.CREATED, ["a"])
    assert w.active() == 1
    assert w.when(lease(1), ReleaseLease()).status is Status.DELETED
    assert w.active() == 0
    again = w.when(lease(1), ReleaseLease())
    assert (again.status, again.reason) == (Status.NOT_FOUND, GONE)


def test_all_limits_give_or_none_does() -> None:
    w = world()
    w.when(lease(1), acquire("b"))
    refused = w.when(lease(2), acquire("a", "b"))
    assert refused.status is Status.WAIT
    assert refused.retry_after_seconds is not None
    assert refused.retry_after_seconds > 0
    assert (w.active(), w.active(OTHER)) == (0, 1)


def test_names_without_a_limit_are_ignored() -> None:
    w = world()
    granted = w.when(lease(1), acquire("nothing"))
    assert (granted.status, granted.limits) == (Status.CREATED, ())
    assert w.when(lease(1), RenewLease(seconds=60)).status is Status.UPDATED


def test_more_than_there_are_can_never_be_given() -> None:
    answer = world().when(lease(1), acquire("a", slots=3))
    assert (answer.status, answer.reason) == (Status.CONFLICT, TOO_MANY)


def test_an_inactive_limit_gives_and_counts_nothing() -> None:
    w = world(limit=1, active=False)
    assert w.when(lease(1), acquire("a")).status is Status.CREATED
    assert w.when(lease(2), acquire("a")).status is Status.CREATED
    assert w.active() == 0


def test_a_lease_expires_when_its_time_is_over_and_not_before() -> None:
    w = world(limit=1)
    w.when(lease(1), acquire("a", seconds=60))
    assert w.wait(59).when(lease(1), ExpireLease()).status is Status.NOT_FOUND
    w.when(lease(1), RenewLease(seconds=60))
    assert w.wait(59).when(lease(1), ExpireLease()).status is Status.NOT_FOUND
    assert w.active() == 1
    assert w.wait(1).when(lease(1), ExpireLease()).status is Status.DELETED
    assert w.active() == 0
    assert w.when(lease(1), RenewLease(seconds=60)).reason == GONE


def test_what_is_returned_by_name_is_not_taken_from_leases() -> None:
    w = world()
    w.when(lease(1), acquire("a"))
    w.when(lease(2), TakeSlots(names=("a",), slots=1))
    for number in (3, 4):
        w.when(lease(number), ReturnSlots(names=("a",), slots=1))
    assert w.active() == 1


def test_slots_decay() -> None:
    w = world(limit=2, slot_decay_per_second=0.5)
    w.when(lease(1), TakeSlots(names=("a",), slots=2, mode="rate_limit"))
    assert w.when(lease(2), TakeSlots(names=("a",), slots=1, mode="rate_limit")).status is Status.WAIT
    assert w.wait(2).when(lease(3), TakeSlots(names=("a",), slots=1, mode="rate_limit")).status is Status.UPDATED
    assert w.active() == 2
    assert w.wait(10).active() == 0


def test_what_decays_at_once_or_hardly_ever_can_be_counted() -> None:
    w = world(limit=1, slot_decay_per_second=1e15)
    w.when(lease(1), TakeSlots(names=("a",), slots=1))
    assert w.wait(1e9).active() == 0
    w = world(limit=1, slot_decay_per_second=5e-324)
    w.when(lease(1), TakeSlots(names=("a",), slots=1))
    refused = w.when(lease(2), TakeSlots(names=("a",), slots=1))
    assert refused.retry_after_seconds is not None
    assert isfinite(refused.retry_after_seconds)


@pytest.mark.parametrize(
    "body", [b'{"name":"a","limit":1,"slot_decay_per_second":1e400}', b'{"name":"a","limit":1e30}']
)
def test_numbers_that_could_not_be_read_again_are_refused(body: bytes) -> None:
    with pytest.raises(ValidationError):
        CreateLimit.model_validate_json(body)


def test_a_rate_is_asked_of_limits_that_decay() -> None:
    answer = world().when(lease(1), TakeSlots(names=("a",), slots=1, mode="rate_limit"))
    assert answer.status is Status.CONFLICT
    assert "'a'" in (answer.reason or "")


def test_a_reset_ends_leases_and_declares_holders() -> None:
    w = world()
    w.when(lease(1), acquire("a", "b"))
    w.wait(1).when(LIMIT, ResetLimit(holders=(TASK_ID,)))
    assert w.active() == 1
    assert w.when(lease(1), RenewLease(seconds=60)).reason == GONE
    # What it held elsewhere is not lost.
    assert w.when(lease(1), ReleaseLease()).status is Status.DELETED
    assert (w.active(), w.active(OTHER)) == (1, 0)
    w.when(lease(2), ReleaseHolder(names=("a",), holder_id=TASK_ID))
    assert w.active() == 0


def test_declared_slots_are_held_by_nobody() -> None:
    w = world()
    w.when(lease(1), acquire("a"))
    w.when(LIMIT, UpdateLimit(changes=LimitSettings(active_slots=0)))
    w.when(lease(2), acquire("a"))
    w.when(lease(1), ReleaseLease())
    assert w.active() == 1


def test_a_lease_on_a_deleted_limit_lives_on() -> None:
    w = world()
    w.when(lease(1), acquire("a"))
    w.when(LIMIT, DeleteLimit())
    assert w.when(lease(1), RenewLease(seconds=60)).status is Status.UPDATED
    assert w.when(lease(1), ReleaseLease()).status is Status.DELETED


def test_a_limit_that_begins_or_ceases_to_decay_keeps_its_count() -> None:
    w = world(limit=5)
    w.when(lease(1), acquire("a", slots=2))
    w.when(lease(2), TakeSlots(names=("a",), slots=1))
    w.when(LIMIT, UpdateLimit(changes=LimitSettings(slot_decay_per_second=0.001)))
    assert w.active() == 3
    w.when(LIMIT, UpdateLimit(changes=LimitSettings(slot_decay_per_second=0.0)))
    assert w.active() == 3
    w.when(lease(1), ReleaseLease())
    assert w.active() == 1


def test_a_name_is_taken_once_and_follows_a_renaming() -> None:
    w = world()
    assert w.when(lease(9), acquire("c")).limits == ()
    assert w.when(LIMIT, UpdateLimit(changes=LimitSettings(name="b"))).status is Status.CONFLICT
    assert w.when(LIMIT, UpdateLimit(changes=LimitSettings(name="c"))).status is Status.UPDATED
    assert [item.name for item in w.when(lease(1), acquire("a", "c")).limits] == ["c"]
    assert w.when(Aggregate("limit", str(UUID(int=3))), CreateLimit(name="a", limit=1)).status is Status.CREATED


_NAMES = st.sampled_from([("a",), ("b",), ("a", "b"), ("nothing",)])
_LEASES = st.integers(0, 7).map(lease)
_COMMANDS = st.one_of(
    st.tuples(
        _LEASES, st.builds(acquire, _NAMES.map(lambda names: names[0]), seconds=st.sampled_from([5.0, 50.0, None]))
    ),
    st.tuples(_LEASES, st.builds(AcquireLease, names=_NAMES, slots=st.integers(1, 2), seconds=st.just(10.0))),
    st.tuples(_LEASES, st.builds(TakeSlots, names=_NAMES, slots=st.integers(1, 2))),
    st.tuples(_LEASES, st.builds(ReturnSlots, names=_NAMES, slots=st.integers(1, 2))),
    st.tuples(_LEASES, st.builds(RenewLease, seconds=st.just(10.0))),
    st.tuples(_LEASES, st.just(ReleaseLease())),
    st.tuples(_LEASES, st.just(ExpireLease())),
    st.tuples(_LEASES, st.just(ReleaseHolder(names=("a", "b"), holder_id=TASK_ID))),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_COMMANDS, st.floats(0, 10)), max_size=30), st.integers(0, 3))
def test_there_are_never_more_holders_than_slots(steps: list[Any], limit: int) -> None:
    w = world(limit=limit)
    for (key, command), pause in steps:
        w.wait(pause).when(key, command)
        for name in (LIMIT, OTHER):
            state = w.state(name)
            held = sum(item.slots for item in state.leases.values())
            assert held == state.tally.leased_slots
            assert held <= w.active(name) <= state.limit


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(_COMMANDS, st.floats(0, 10)), max_size=30))
def test_when_every_lease_has_ended_no_slot_is_held(steps: list[Any]) -> None:
    w = world()
    for (key, command), pause in steps:
        w.wait(pause).when(key, command)
    for number in range(8):
        w.when(lease(number), ReleaseLease())
    for name in (LIMIT, OTHER):
        assert w.state(name).leases == {}
        assert w.state(name).tally.leased_slots == 0


@pytest.mark.parametrize("slots", [1, 2])
def test_a_repeated_lease_id_is_no_second_lease(slots: int) -> None:
    w = world()
    w.when(lease(1), acquire("a", slots=slots))
    assert w.when(lease(1), acquire("a")).status is Status.CONFLICT
    assert w.active() == slots
