"""The rules about concurrency limits of deployments: a run takes a slot to be PENDING, and returns it.

Only leases hold slots. Prefect also frees slots without a lease, Antiphon does not: see docs/adr/0013.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from antiphon.events import ids
from antiphon.events.limit.slots import Holder
from antiphon.events.message import Event
from antiphon.events.outcome import Status
from antiphon.events.state import ProposedState, State, StateDetails, StateType
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Situation
from antiphon.services.policy.engine.orchestration import Transition
from antiphon.services.policy.kinds.deployment.decider import limit_of
from antiphon.services.policy.kinds.document.state import INITIAL, Document
from antiphon.services.policy.kinds.flow_run.state import FlowRun
from antiphon.services.policy.kinds.limit.ledger import Ledger, lease_key, limits_of
from antiphon.services.prefect.versions import release

#: The states in which a run holds a slot.
_HOLDING: Final = frozenset({StateType.PENDING, StateType.RUNNING, StateType.CANCELLING})
#: Versions of clients that acquire the slots of their runs by themselves.
_TAKES_ITS_OWN: Final = frozenset({"3.0.0rc20", "3.0.0", "3.0.1", "3.0.2", "3.0.3"})
#: Clients from this version on renew the leases of their runs.
_RENEWS: Final = (3, 4, 11)
#: Prefect's `server.concurrency.initial_deployment_lease_duration`.
_GRACE_SECONDS: Final = 300
#: Prefect's `server.deployments.concurrency_slot_wait_seconds`.
_WAIT: Final = timedelta(seconds=30)
_REACHED: Final = "Deployment concurrency limit reached."
_FULL: Final = "Deployment concurrency limit is full and uses the CANCEL_NEW strategy."


class Concurrency:
    """The run's deployment, and the slots that the transition takes and returns."""

    def __init__(self, situation: Situation[FlowRun], client_version: str | None) -> None:
        self.ledger = Ledger(situation.others, situation.now)
        self.client_version = client_version
        self.holder = Holder(type="flow_run", id=situation.id)
        deployment_id = situation.state.deployment_id
        self.deployment: Document = situation.others.get(Aggregate("deployment", str(deployment_id))) or INITIAL

    @property
    def limit(self) -> Aggregate | None:
        """The deployment's limit, if it has one that exists."""
        return next((key for key in limit_of(self.deployment.data) if self.ledger.limit(key).exists), None)

    @property
    def options(self) -> Mapping[str, Any]:
        """The deployment's `concurrency_options`."""
        return self.deployment.data.get("concurrency_options") or {}

    @property
    def grace_seconds(self) -> float:
        """How long a slot is kept for a PENDING run."""
        return float(self.options.get("grace_period_seconds") or _GRACE_SECONDS)

    @property
    def renews_leases(self) -> bool:
        """Whether the caller renews the lease of its run; an unknown client does not."""
        return self.client_version is not None and release(self.client_version) >= _RENEWS


class LimitedTransition(Transition):
    """A flow run's transition with its slots."""

    def __init__(self, situation: Situation[FlowRun], proposed: ProposedState, client_version: str | None) -> None:
        super().__init__(situation, proposed)
        self.run = situation.state
        self.concurrency = Concurrency(situation, client_version)


def related(run: FlowRun, others: Mapping[Aggregate, Any]) -> tuple[Aggregate, ...]:
    """The run's deployment and its limit, the run's lease and its limits."""
    named: list[Aggregate] = []
    if run.deployment_id is not None:
        deployment = Aggregate("deployment", str(run.deployment_id))
        named.append(deployment)
        if deployment in others:
            named.extend(limit_of(others[deployment].data))
    lease_id = lease_of(run.state)
    if lease_id is not None:
        named.append(lease_key(lease_id))
        if named[-1] in others:
            named.extend(limits_of(others[named[-1]]))
    return tuple(named)


def lease_of(state: State | None) -> UUID | None:
    """The lease in a state's details."""
    return state.state_details.deployment_concurrency_lease_id if state is not None else None


def _carry(t: LimitedTransition, lease_id: UUID | None) -> None:
    t.set_details(deployment_concurrency_lease_id=lease_id)


def preserve_lease(t: LimitedTransition) -> None:
    """Copy the lease from the current state to the proposed one."""
    if lease_of(t.initial) is not None and lease_of(t.proposed) is None:
        _carry(t, lease_of(t.initial))


def secure_slot(t: LimitedTransition) -> None:
    """A run is submitted if its deployment has a free slot; otherwise it waits, or is cancelled."""
    concurrency = t.concurrency
    if t.run.deployment_id is None or concurrency.client_version in _TAKES_ITS_OWN:
        return
    if not concurrency.deployment.exists:
        t.abort("Deployment not found.")
        return
    limit = concurrency.limit
    if limit is None:
        return
    if concurrency.ledger.limit(limit).limit == 0:
        t.abort("The deployment concurrency limit is 0. The flow will deadlock if submitted again.")
    elif concurrency.ledger.has_room([limit], 1):
        _carry(t, _grant(t, limit))
    elif concurrency.options.get("collision_strategy") == "CANCEL_NEW":
        t.reject(_REACHED, t.replacement(StateType.CANCELLED, message=_REACHED))
    else:
        details = StateDetails(scheduled_time=t.now + _WAIT)
        t.reject(_REACHED, t.replacement(StateType.SCHEDULED, "AwaitingConcurrencySlot", details=details))


def cancel_late(t: LimitedTransition) -> None:
    """Cancel a late run if all slots are taken and the deployment cancels new runs."""
    concurrency = t.concurrency
    if concurrency.limit is None or concurrency.options.get("collision_strategy") != "CANCEL_NEW":
        return
    limit = concurrency.ledger.limit(concurrency.limit)
    # Uses the last counts, without decay.
    if limit.tally.loose_slots + limit.tally.leased_slots >= limit.limit:
        t.reject(_FULL, t.replacement(StateType.CANCELLED, message=_REACHED))


def give_up_slot(t: LimitedTransition) -> None:
    """A later rule changed the transition: return the slot."""
    t.concurrency.ledger.undo()


def _grant(t: LimitedTransition, limit: Aggregate) -> UUID:
    lease_id = ids.derived(t.command_id, "lease")
    concurrency = t.concurrency
    concurrency.ledger.grant(lease_id, [limit], seconds=concurrency.grace_seconds, holder=concurrency.holder)
    return lease_id


def validate_slot(t: LimitedTransition) -> None:
    """A run that was PENDING too long may have lost its slot: it takes another one, or cannot run."""
    concurrency, lease_id = t.concurrency, lease_of(t.initial)
    _carry(t, lease_id)
    limit = concurrency.limit
    if lease_id is None or limit is None or not concurrency.renews_leases:
        return
    if concurrency.ledger.renew(lease_id, concurrency.grace_seconds):
        return
    if concurrency.ledger.has_room([limit], 1):
        _carry(t, _grant(t, limit))
        return
    message = "Deployment concurrency slot lost during provisioning - no slots available to continue execution"
    t.reject(
        "Deployment concurrency limit reached after lease expiry.",
        t.replacement(StateType.CANCELLED, message=message),
    )


def keep_lease_for_old_clients(t: LimitedTransition) -> None:
    """A client that does not renew leases keeps its slot until its run returns it."""
    lease_id = lease_of(t.initial)
    if lease_id is not None and not t.concurrency.renews_leases:
        t.concurrency.ledger.renew(lease_id, None)


def release_slot(t: LimitedTransition) -> None:
    """A run that leaves the slot-holding states returns its slot; a run that retries in its process keeps it."""
    initial, reached = t.initial, t.proposed
    if initial is None or reached is None or initial.type not in _HOLDING or reached.type in _HOLDING:
        return
    retries_in_process = reached.type is StateType.SCHEDULED and reached.name == "AwaitingRetry"
    lease_id = lease_of(initial)
    if lease_id is not None and not (retries_in_process and t.status is Status.REJECT):
        t.concurrency.ledger.end(lease_id)


def freed(situation: Situation[FlowRun]) -> tuple[tuple[Aggregate, Event], ...]:
    """The events that return the slots of a deleted run."""
    ledger, lease_id = Ledger(situation.others, situation.now), lease_of(situation.state.state)
    if lease_id is not None:
        ledger.end(lease_id)
    return tuple(ledger.events)
