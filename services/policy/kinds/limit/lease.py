"""Decides the commands for a lease: requests for slots, renewals and releases."""

from __future__ import annotations

from random import Random
from typing import Final

from antiphon.events.limit import commands, events
from antiphon.events.message import Command, Event
from antiphon.events.outcome import Answer, Status
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Decider, Decision, Situation, takes_no_command
from antiphon.services.policy.engine.refusals import RefusedError
from antiphon.services.policy.kinds.limit.arithmetic import retry_after_seconds
from antiphon.services.policy.kinds.limit.ledger import Ledger, limits_named, limits_of, related_to_holder
from antiphon.services.policy.kinds.limit.state import NO_LEASE, Lease, evolve_lease

_Request = commands.AcquireLease | commands.TakeSlots

TOO_MANY = "Slots requested is greater than the limit"
_NO_DECAY = (
    "Only concurrency limits with slot decay can be used for rate limiting."
    " The following limits do not have a decay configured: "
)
GONE = "Lease not found - it may have expired or been revoked"

#: The status of other events is UPDATED.
_STATUSES: Final[dict[type[Event], Status]] = {
    events.LeaseGranted: Status.CREATED,
    events.LeaseRefused: Status.WAIT,
    events.LeaseReleased: Status.DELETED,
    events.LeaseExpired: Status.DELETED,
}


def related(command: Command, situation: Situation[Lease]) -> tuple[Aggregate, ...]:
    """The limits that the command names or the lease holds; for a holder, its leases and all their limits."""
    match command:
        case commands.ReleaseHolder():
            return related_to_holder(command.names, command.holder_id, situation)
        case commands.AcquireLease() | commands.TakeSlots() | commands.ReturnSlots():
            return limits_named(command.names, situation.others)
        case _:
            return limits_of(situation.state)


def decide(command: Command, situation: Situation[Lease]) -> Decision:
    """The events of a lease's command."""
    ledger, done = Ledger({**situation.others, situation.aggregate: situation.state}, situation.now), True
    match command:
        case commands.AcquireLease() | commands.TakeSlots():
            _take(command, situation, ledger)
        case commands.ReturnSlots() | commands.ReleaseHolder():
            _return(command, situation, ledger)
        case commands.RenewLease():
            done = ledger.renew(situation.id, command.seconds)
        case commands.ReleaseLease():
            done = ledger.end(situation.id)
        case commands.ExpireLease():
            expires_at = situation.state.expires_at
            done = expires_at is not None and expires_at <= situation.now and ledger.end(situation.id, expired=True)
        case _:
            return takes_no_command(command, situation)
    if not done:
        raise RefusedError(Status.NOT_FOUND, GONE)
    return Decision(events=tuple(ledger.events))


def _take(command: _Request, situation: Situation[Lease], ledger: Ledger) -> None:
    if situation.state.exists:
        raise RefusedError(Status.CONFLICT, "There is such a lease already.")
    keys = ledger.named(command.names)
    active = [key for key in keys if ledger.limit(key).active]
    _check(command, active, ledger)
    if not ledger.has_room(active, command.slots):
        _deny(command, situation, active, ledger)
    elif isinstance(command, commands.AcquireLease):
        ledger.grant(situation.id, keys, slots=command.slots, seconds=command.seconds, holder=command.holder)
    else:
        references = ledger.references(keys)
        for key in active:
            ledger.take(key, command.slots)
        ledger.record(situation.aggregate, events.LeaseSlotsTaken(limits=references, slots=command.slots))


def _check(command: _Request, active: list[Aggregate], ledger: Ledger) -> None:
    """Refuse a request that these limits can never satisfy."""
    too_small = [key for key in active if ledger.limit(key).limit < command.slots]
    if too_small:
        raise RefusedError(Status.CONFLICT, TOO_MANY, limits=ledger.references(too_small))
    constant = ",".join(limit.name for limit in map(ledger.limit, active) if limit.slot_decay_per_second <= 0)
    if command.mode == "rate_limit" and constant:
        raise RefusedError(Status.CONFLICT, f"{_NO_DECAY}{constant!r}", limits=())


def _deny(command: _Request, situation: Situation[Lease], active: list[Aggregate], ledger: Ledger) -> None:
    limits = [ledger.limit(key) for key in active]
    dice = Random(situation.command_id.int)  # noqa: S311  a delay
    seconds = retry_after_seconds(limits, command.slots, situation.now, dice)
    ledger.deny(active, command.slots)
    denied = events.LeaseRefused(limits=ledger.references(active), slots=command.slots, retry_after_seconds=seconds)
    ledger.record(situation.aggregate, denied)


def _return(
    command: commands.ReturnSlots | commands.ReleaseHolder, situation: Situation[Lease], ledger: Ledger
) -> None:
    keys = ledger.named(command.names)
    if isinstance(command, commands.ReturnSlots):
        for key in keys:
            if ledger.limit(key).active:
                ledger.give_back(key, command.slots, command.occupancy_seconds)
    else:
        for lease_id in ledger.held_by(keys, command.holder_id):
            ledger.end(lease_id)
    ledger.record(situation.aggregate, events.LeaseSlotsReturned(limits=ledger.references(keys)))


def answer(aggregate: Aggregate, lease: Lease, event: Event) -> Answer:  # noqa: ARG001  a decider's signature
    """The answer to the command that caused `event`."""
    told = {name: value for name, value in event if name in ("limits", "retry_after_seconds")}
    return Answer(status=_STATUSES.get(type(event), Status.UPDATED), aggregate_id=aggregate.id, **told)


LEASE: Decider[Lease] = Decider(initial=NO_LEASE, evolve=evolve_lease, decision=decide, needed=related, answer=answer)
