"""Decides the commands for a limit."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from antiphon.events import ids
from antiphon.events.limit.commands import CreateLimit, DeleteLimit, LimitSettings, ResetLimit, UpdateLimit
from antiphon.events.limit.events import (
    LimitChanges,
    LimitCreated,
    LimitDeleted,
    LimitReset,
    LimitUpdated,
    SlotsAcquired,
    SlotsDenied,
    SlotsReleased,
)
from antiphon.events.limit.slots import Holder, SlotCounts
from antiphon.events.message import Command, Event
from antiphon.events.name.events import NameClaimed, NameReleased
from antiphon.events.outcome import Answer, Status
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Decider, Decision, Events, Situation, takes_no_command
from antiphon.services.policy.engine.refusals import IntegrityError, RefusedError
from antiphon.services.policy.kinds.limit.arithmetic import counted
from antiphon.services.policy.kinds.limit.ledger import Ledger, limit_name, limits_named
from antiphon.services.policy.kinds.limit.state import NO_LIMIT, Limit, evolve_limit


def related(command: Command, situation: Situation[Limit]) -> tuple[Aggregate, ...]:
    """The reservations of its current and new name, and the holder of the latter."""
    names = [situation.state.name] if situation.state.exists else []
    if isinstance(command, CreateLimit):
        names.append(command.name)
    elif isinstance(command, UpdateLimit) and command.changes.name is not None:
        names.append(command.changes.name)
    return limits_named(names, situation.others)


def decide(command: Command, situation: Situation[Limit]) -> Decision:
    """The events of a limit's command."""
    if isinstance(command, CreateLimit):
        return _create(command, situation)
    if not situation.state.exists:
        raise RefusedError(Status.NOT_FOUND, "Concurrency Limit not found")
    match command:
        case UpdateLimit():
            return _update(command, situation)
        case DeleteLimit():
            return Decision(events=deletion(situation.aggregate, situation.state, situation.now, revoke=command.revoke))
        case ResetLimit():
            return _reset(command, situation)
        case _:
            return takes_no_command(command, situation)


def creation(key: Aggregate, command: CreateLimit, now: datetime) -> tuple[tuple[Aggregate, Event], ...]:
    """The events that create a limit and claim its name."""
    tally = SlotCounts(loose_slots=command.active_slots, denied_slots=command.denied_slots, at=now)
    created = LimitCreated(
        name=command.name,
        limit=command.limit,
        active=command.active,
        slot_decay_per_second=command.slot_decay_per_second,
        tally=tally,
    )
    return (limit_name(command.name), NameClaimed(name=command.name, owner=key.id)), (key, created)


def deletion(key: Aggregate, limit: Limit, now: datetime, *, revoke: bool) -> tuple[tuple[Aggregate, Event], ...]:
    """The events that delete a limit and release its name."""
    deleted = LimitDeleted(revoked_at=now if revoke else None)
    return (limit_name(limit.name), NameReleased()), (key, deleted)


def resized(key: Aggregate, limit: Limit, slots: int, now: datetime) -> tuple[Aggregate, Event]:
    """The event that changes a limit's number of slots."""
    return key, LimitUpdated(changes=LimitChanges(limit=slots), tally=counted(limit, now))


def _create(command: CreateLimit, situation: Situation[Limit]) -> Decision:
    owner = situation.others[limit_name(command.name)].owner
    if owner is not None and command.upsert:
        key = Aggregate("limit", owner)
        limit = situation.state if key == situation.aggregate else situation.others[key]
        events = (resized(key, limit, command.limit, situation.now),)
        return Decision(events=events, answer=Answer(status=Status.UPDATED, aggregate_id=owner))
    if owner is not None or situation.state.exists:
        raise IntegrityError()
    return Decision(events=creation(situation.aggregate, command, situation.now))


def _update(command: UpdateLimit, situation: Situation[Limit]) -> Decision:
    limit, changes, key = situation.state, command.changes, situation.aggregate
    events: Events = []
    if changes.name is not None and changes.name != limit.name:
        if situation.others[limit_name(changes.name)].owner is not None:
            raise IntegrityError()
        events.append((limit_name(limit.name), NameReleased()))
        events.append((limit_name(changes.name), NameClaimed(name=changes.name, owner=key.id)))
    given = {name: value for name, value in changes if name in LimitChanges.model_fields and value is not None}
    updated = LimitUpdated(
        changes=LimitChanges(**given),
        tally=_counted_anew(limit, changes, situation.now),
        forgets_leases=changes.active_slots is not None,
    )
    return Decision(events=(*events, (key, updated)))


def _counted_anew(limit: Limit, changes: LimitSettings, now: datetime) -> SlotCounts:
    tally = counted(limit, now)
    decays = limit.slot_decay_per_second > 0
    will_decay = decays if changes.slot_decay_per_second is None else changes.slot_decay_per_second > 0
    values: dict[str, int] = {}
    if changes.active_slots is not None:
        values = {"loose_slots": changes.active_slots, "leased_slots": 0}
    elif will_decay and not decays:
        values["loose_slots"] = tally.loose_slots + tally.leased_slots
    elif decays and not will_decay:
        values["loose_slots"] = max(0, tally.loose_slots - tally.leased_slots)
    if changes.denied_slots is not None:
        values["denied_slots"] = changes.denied_slots
    return tally.model_copy(update=values)


def _reset(command: ResetLimit, situation: Situation[Limit]) -> Decision:
    key, now = situation.aggregate, situation.now
    ledger = Ledger({**situation.others, key: situation.state}, now)
    tally = counted(situation.state, now).model_copy(update={"loose_slots": 0, "leased_slots": 0})
    ledger.record(key, LimitReset(tally=tally))
    for number, holder_id in enumerate(dict.fromkeys(command.holders)):
        lease_id = ids.derived(situation.command_id, f"lease {number}")
        ledger.grant(lease_id, [key], holder=Holder(type="task_run", id=holder_id))
    return Decision(events=tuple(ledger.events))


LIMIT: Decider[Limit] = Decider(
    initial=NO_LIMIT,
    evolve=evolve_limit,
    decision=decide,
    needed=related,
    # Each run that takes and returns a slot adds events to the limit.
    caused_elsewhere=(SlotsAcquired, SlotsReleased, SlotsDenied),
)


def own_limit_id(deployment_id: UUID) -> UUID:
    """The id of the limit that a deployment creates."""
    return ids.derived(deployment_id, "limit")
