"""Groups of commands on a log in memory: conflicts, repetitions, crashes, poison."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.events import codec, subjects
from antiphon.events.document.commands import CreateFlow, DeleteFlow
from antiphon.events.flow_run.commands import CreateFlowRun, DeleteFlowRun, SetFlowRunState
from antiphon.events.log.memory import MemoryLog
from antiphon.events.message import Command
from antiphon.events.outcome import Outcome, Status
from antiphon.events.refusal import CommandRefused
from antiphon.events.state import StateType
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Decision
from antiphon.services.policy.kinds.registry import DECIDERS
from antiphon.services.policy.service.folds import Fold
from antiphon.services.runtime.clock import ManualClock
from tests.examples import FLOW_ID, NOW, RUN_ID, proposed
from tests.letters import CrashError, Desk, Question, question
from tests.log import read_all

CREATE_FLOW = question(FLOW_ID, CreateFlow(data={"name": "flow"}), UUID(int=1))
CREATE_RUN = question(RUN_ID, CreateFlowRun(flow_id=FLOW_ID), UUID(int=2))
START_ID = UUID(int=3)
START = question(RUN_ID, SetFlowRunState(state=proposed("RUNNING")), START_ID)
END = question(RUN_ID, SetFlowRunState(state=proposed("COMPLETED")), UUID(int=4))


def new_log() -> MemoryLog:
    return MemoryLog(ManualClock(NOW))


async def test_a_whole_life_in_one_group_is_decided_in_order() -> None:
    log = new_log()
    outcomes = await Desk(log).handle(CREATE_FLOW, CREATE_RUN, START, END)
    assert [item.status for item in outcomes] == [Status.CREATED, Status.CREATED, Status.ACCEPT, Status.ACCEPT]
    assert [item.position for item in outcomes] == [2, 3, 4, 5]
    assert await log.last_position() == 5


async def test_invariant_05_a_command_is_decided_once() -> None:
    log = new_log()
    desk = Desk(log)
    first = await desk.handle(CREATE_FLOW, CREATE_RUN, START)
    assert await desk.handle(START, CREATE_RUN, CREATE_FLOW) == first[::-1]
    restarted = Desk(log)
    assert await restarted.handle(CREATE_FLOW, CREATE_RUN, START) == first
    assert await log.last_position() == 4


@pytest.mark.parametrize("restarted", [False, True])
async def test_another_command_with_a_known_id_is_not_given_the_first_answer(*, restarted: bool) -> None:
    log = new_log()
    desk = Desk(log)
    await desk.handle(CREATE_FLOW, CREATE_RUN, START)
    if restarted:
        desk = Desk(log)
    other = question(RUN_ID, SetFlowRunState(state=proposed("COMPLETED")), START_ID)
    (outcome,) = await desk.handle(other)
    assert (outcome.status, outcome.reason) == (
        Status.INVALID,
        f"the command id {START_ID} has been used for another command",
    )
    assert [(parked.subject, parked.data) for parked in desk.parked] == [(other.subject, other.data)]
    assert await log.last_position() == 4


async def test_the_sender_may_say_what_makes_commands_the_same() -> None:
    log = new_log()
    desk = Desk(log)
    asked = {subjects.COMMAND_DIGEST: "PUT /runs"}
    first, again = (
        replace(item, headers={**(item.headers or {}), **asked})
        for item in (START, question(RUN_ID, SetFlowRunState(state=proposed("COMPLETED")), START_ID))
    )
    told = await desk.handle(CREATE_FLOW, CREATE_RUN, first)
    assert await desk.handle(again) == told[2:]
    assert await Desk(log).handle(again) == told[2:]


async def test_a_command_may_say_what_its_sender_has_seen() -> None:
    log = new_log()
    desk = Desk(log)

    def seen(letter: Question, position: str) -> Question:
        return replace(letter, headers={**(letter.headers or {}), subjects.IF_POSITION: position})

    told = await desk.handle(CREATE_FLOW, seen(CREATE_RUN, "0"), seen(START, "3"), seen(END, "3"))
    assert [item.status for item in told] == [Status.CREATED, Status.CREATED, Status.ACCEPT, Status.CONFLICT]
    assert told[3].reason == "the last change is at position 4, not 3"
    # The refusal itself changed nothing, also for a policy that has to read the log first.
    late = seen(question(RUN_ID, SetFlowRunState(state=proposed("COMPLETED")), UUID(int=7)), "4")
    assert [item.status for item in await Desk(log).handle(seen(END, "3"), late)] == [Status.CONFLICT, Status.ACCEPT]


@pytest.mark.parametrize("position", ["", "-1", "x", "1" * 30])
async def test_what_is_no_position_is_parked(position: str) -> None:
    desk = Desk(new_log())
    letter = replace(CREATE_FLOW, headers={**(CREATE_FLOW.headers or {}), subjects.IF_POSITION: position})
    assert [item.status for item in await desk.handle(letter)] == [Status.INVALID]


async def test_who_asks_for_them_is_told_the_events_that_his_command_led_to() -> None:
    log = new_log()
    desk = Desk(log)
    asking = replace(CREATE_RUN, headers={**(CREATE_RUN.headers or {}), subjects.WITH_EVENTS: "true"})
    first = await desk.handle(CREATE_FLOW, asking, START)
    own = [item.event for item in await read_all(log, Aggregate("flow_run", str(RUN_ID)))]
    assert desk.events == {CREATE_FLOW.reply: [], asking.reply: own[:1], START.reply: []}
    assert codec.decode_reply(codec.encode_reply(first[1], own[:1])) == (first[1], tuple(own[:1]))
    # The second time only what was decided is told.
    assert await desk.handle(asking) == [first[1]]
    assert desk.events[asking.reply] == []


async def test_a_command_twice_in_one_group_is_decided_once() -> None:
    log = new_log()
    outcomes = await Desk(log).handle(CREATE_FLOW, CREATE_RUN, START, START)
    assert outcomes[2] == outcomes[3]
    assert await log.last_position() == 4


async def test_invariant_03_a_decision_on_an_old_state_is_made_again() -> None:
    log = new_log()
    one, other = Desk(log), Desk(log)
    await one.handle(CREATE_FLOW, CREATE_RUN)
    await other.handle(START)
    # `one` still remembers the run as pending; its append is refused, and it looks again.
    (outcome,) = await one.handle(question(RUN_ID, SetFlowRunState(state=proposed("PENDING")), UUID(int=9)))
    assert (outcome.status, outcome.rule) == (Status.ABORT, "PreventPendingTransitions")


async def test_a_presumption_that_something_is_new_is_corrected() -> None:
    log = new_log()
    await Desk(log).handle(CREATE_FLOW)
    again = question(UUID(int=77), CreateFlow(data={"name": "flow"}), UUID(int=8))
    (outcome,) = await Desk(log).handle(again)
    assert (outcome.status, outcome.aggregate_id) == (Status.EXISTS, str(FLOW_ID))


async def test_a_refusal_is_an_event_with_its_outcome() -> None:
    log = new_log()
    await Desk(log).handle(CREATE_FLOW)
    again = question(UUID(int=77), CreateFlow(data={"name": "flow"}), UUID(int=8))
    missing = question(UUID(int=99), SetFlowRunState(state=proposed("RUNNING")), UUID(int=9))
    told = await Desk(log).handle(again, missing)
    assert [item.status for item in told] == [Status.EXISTS, Status.NOT_FOUND]
    assert [item.position for item in told] == [3, 4]
    (recorded,) = await read_all(log, Aggregate("flow_run", str(UUID(int=99))))
    assert isinstance(recorded.event, CommandRefused)
    assert recorded.event.verb == "set_state"
    assert Outcome.of(recorded.event.answer, told[1].command_id, 4) == told[1]
    assert await Desk(log).handle(missing, again) == told[::-1]
    assert await log.last_position() == 4


async def test_a_refused_creation_leaves_no_false_memory() -> None:
    log = new_log()
    desk = Desk(log)
    (refused,) = await desk.handle(CREATE_RUN)
    assert refused.status is Status.CONFLICT
    await Desk(log).handle(CREATE_FLOW, question(RUN_ID, CreateFlowRun(flow_id=FLOW_ID), UUID(int=22)))
    (outcome,) = await desk.handle(START)
    assert outcome.status is Status.ACCEPT


async def test_a_deleted_flow_takes_its_runs_and_frees_its_name() -> None:
    desk = Desk(new_log())
    await desk.handle(CREATE_FLOW, CREATE_RUN, question(FLOW_ID, DeleteFlow(), UUID(int=5)))
    (start,) = await desk.handle(START)
    (anew,) = await desk.handle(question(UUID(int=78), CreateFlow(data={"name": "flow"}), UUID(int=6)))
    assert (start.status, anew.status) == (Status.NOT_FOUND, Status.CREATED)


@pytest.mark.parametrize("place", ["reply", "acknowledge"])
async def test_invariant_09_a_crash_after_the_append_loses_and_doubles_nothing(place: str) -> None:
    log = new_log()
    await Desk(log).handle(CREATE_FLOW, CREATE_RUN)
    crashing = Desk(log, crash_at=place)
    with pytest.RaisesGroup(CrashError):
        await crashing.handle(START)
    (outcome,) = await Desk(log).handle(START)
    assert outcome.status is Status.ACCEPT
    assert await log.last_position() == 4


async def test_invariant_04_one_decision_is_one_batch() -> None:
    log = new_log()
    await Desk(log).handle(CREATE_FLOW, CREATE_RUN)
    events = [event async for batch in log.follow(0, until=3) for event in batch]
    assert [getattr(item, "aggregate", None).kind for item in events] == ["name", "flow", "flow_run"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "letter",
    [
        Question("ask.nothing.x.create", "answer.1", CREATE_FLOW.headers, b"{}"),
        Question(CREATE_FLOW.subject + "s", "answer.1", CREATE_FLOW.headers, b"{}"),
        Question(CREATE_RUN.subject, "answer.1", CREATE_RUN.headers, b"not json"),
        Question(CREATE_RUN.subject, "answer.1", CREATE_RUN.headers, b'{"flow_id":"x","colour":"red"}'),
        Question("ask.flow..create", "answer.1", CREATE_FLOW.headers, b"{}"),
        Question("ask", "answer.1", CREATE_FLOW.headers, b"{}"),
    ],
)
async def test_invariant_10_what_cannot_be_read_is_parked_and_answered(letter: Question) -> None:
    desk = Desk(new_log())
    outcomes = await desk.handle(letter, CREATE_FLOW)
    assert [item.status for item in outcomes] == [Status.INVALID, Status.CREATED]
    assert [(parked.subject, parked.data) for parked in desk.parked] == [(letter.subject, letter.data)]
    assert letter in desk.acknowledged


async def test_a_command_that_breaks_its_decider_is_parked(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Decision:
        raise ZeroDivisionError

    broken_decider = replace(DECIDERS["flow_run"], decision=broken)
    monkeypatch.setitem(DECIDERS, "flow_run", broken_decider)
    desk = Desk(new_log())
    outcomes = await desk.handle(CREATE_RUN, CREATE_FLOW)
    assert [item.status for item in outcomes] == [Status.PARKED, Status.CREATED]


COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        SetFlowRunState,
        state=st.builds(
            lambda kind, name, key: proposed(kind.value, name, pause_key=key),
            st.sampled_from(StateType),
            st.sampled_from([None, "Late", "Suspended", "Submitting"]),
            st.sampled_from([None, "k"]),
        ),
        force=st.booleans(),
    ),
    st.just(CreateFlowRun(flow_id=FLOW_ID)),
    st.just(DeleteFlowRun()),
)


@settings(max_examples=60, deadline=None)
@given(commands=st.lists(COMMANDS, max_size=12), split=st.integers(1, 5))
async def test_any_sequence_is_idempotent_and_replay_equals_live(commands: list[Command], split: int) -> None:
    log = new_log()
    desk = Desk(log)
    letters = [CREATE_FLOW, CREATE_RUN]
    letters += [question(RUN_ID, command, UUID(int=100 + number)) for number, command in enumerate(commands)]
    told: list[Outcome] = []
    for start in range(0, len(letters), split):
        told += await desk.handle(*letters[start : start + split])
    end = await log.last_position()
    assert await Desk(log).handle(*letters) == told
    assert await log.last_position() == end
    run = Aggregate("flow_run", str(RUN_ID))
    live = await desk.handler._folds.get(run)
    replayed = await Fold.empty(run).replay(log)
    assert (replayed.state, replayed.position) == (live.state, live.position)
    assert {key: replayed.outcomes[key] for key in live.outcomes} == live.outcomes
