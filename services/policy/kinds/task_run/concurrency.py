"""The rules about limits on tags: a task run takes a slot of each to run (docs/prefect/rules.md section 4)."""

from __future__ import annotations

from random import Random

from antiphon.events import ids
from antiphon.events.limit.slots import Holder
from antiphon.events.message import Event
from antiphon.events.state import ProposedState, StateType
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Situation
from antiphon.services.policy.engine.orchestration import Transition
from antiphon.services.policy.kinds.limit.arithmetic import TAG, tag_delay_seconds
from antiphon.services.policy.kinds.limit.ledger import Ledger, related_to_holder
from antiphon.services.policy.kinds.task_run.state import TaskRun


class TagSlots:
    """The limits on the tags of a task run, and the slots that its transition takes and returns."""

    def __init__(self, situation: Situation[TaskRun]) -> None:
        self.ledger = Ledger(situation.others, situation.now)
        self.names = _names(situation.state)
        self.holder = Holder(type="task_run", id=situation.id)


class TaggedTransition(Transition):
    """A task run's transition with its slots."""

    def __init__(self, situation: Situation[TaskRun], proposed: ProposedState) -> None:
        super().__init__(situation, proposed)
        self.run = situation.state
        self.slots = TagSlots(situation)


def _names(run: TaskRun) -> tuple[str, ...]:
    tags = run.fields.tags if run.fields else ()
    return tuple(TAG + tag for tag in dict.fromkeys(tags))


def related(run: TaskRun, situation: Situation[TaskRun]) -> tuple[Aggregate, ...]:
    """The limits on its tags, its leases on them, and the other limits of these leases."""
    names = _names(run)
    return related_to_holder(names, situation.id, situation) if names else ()


def secure_slots(t: TaggedTransition) -> None:
    """A task run starts if each limit on its tags has a free slot."""
    ledger = t.slots.ledger
    keys = [key for key in ledger.named(t.slots.names) if ledger.limit(key).active]
    for key in keys:
        if ledger.limit(key).limit == 0:
            tag = ledger.limit(key).name.removeprefix(TAG)
            t.abort(f'The concurrency limit on tag "{tag}" is 0 and will deadlock if the task tries to run again.')
            return
    if not keys:
        return
    limits = [ledger.limit(key) for key in keys]
    if not ledger.has_room(keys, 1):
        tags = ", ".join(limit.name.removeprefix(TAG) for limit in limits)
        seconds = tag_delay_seconds(limits, t.now, Random(t.command_id.int))  # noqa: S311  a delay
        t.wait(seconds, f"Concurrency limit reached for tags: {tags}")
        return
    # The lease does not expire, because task runs do not renew it.
    ledger.grant(ids.derived(t.command_id, "lease"), keys, holder=t.slots.holder)


def give_up_slots(t: TaggedTransition) -> None:
    """A later rule changed the transition: return the slots."""
    t.slots.ledger.undo()


def release_slots(t: TaggedTransition) -> None:
    """A task run that does not run returns its slots."""
    if t.proposed is None or t.proposed.type in (StateType.RUNNING, StateType.CANCELLING):
        return
    _release(t.slots)


def freed(situation: Situation[TaskRun]) -> tuple[tuple[Aggregate, Event], ...]:
    """The events that return the slots of a deleted task run."""
    slots = TagSlots(situation)
    _release(slots)
    return tuple(slots.ledger.events)


def _release(slots: TagSlots) -> None:
    ledger = slots.ledger
    for lease_id in ledger.held_by(ledger.named(slots.names), slots.holder.id):
        ledger.end(lease_id)
