"""PreventPendingTransitions, the same for flow runs and for task runs that run in the background."""

from __future__ import annotations

from typing import Final

from antiphon.events.state import StateType
from antiphon.services.policy.engine.orchestration import Transition, types

PENDING: Final = types(StateType.PENDING)
#: A run in one of these states has been submitted already, or must not be.
SUBMITTED: Final = types(StateType.PENDING, StateType.CANCELLING, StateType.RUNNING, StateType.CANCELLED)


def prevent_pending(t: Transition) -> None:
    """A run is submitted once; a PENDING run may only change its state's name, as workers do during submission."""
    initial, proposed = t.initial, t.requested
    if initial is None:
        return
    if initial.type is StateType.PENDING and proposed.name not in (initial.name, "Pending"):
        details = initial.state_details
        t.set_details(
            scheduled_time=details.scheduled_time,
            deployment_concurrency_lease_id=details.deployment_concurrency_lease_id,
        )
    else:
        t.abort(f"This run is in a {initial.type.value} state and cannot transition to a PENDING state.")
