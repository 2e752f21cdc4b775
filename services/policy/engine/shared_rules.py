"""The rules that are the same for flow runs and task runs."""

from __future__ import annotations

from math import floor
from typing import Final

from antiphon.events.state import StateType
from antiphon.services.policy.engine.orchestration import Transition, types

#: A run in one of these states has been submitted already, or must not be.
SUBMITTED: Final = types(StateType.PENDING, StateType.CANCELLING, StateType.RUNNING, StateType.CANCELLED)


def prevent_pending(t: Transition) -> None:
    """PreventPendingTransitions: a run is submitted once; PENDING, it may only get another name for its state.

    Workers rename the state during submission.
    """
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


def copy_scheduled_time(t: Transition) -> None:
    """CopyScheduledTime: a submitted run keeps its scheduled time."""
    if t.initial is not None and t.requested.state_details.scheduled_time is None:
        t.set_details(scheduled_time=t.initial.state_details.scheduled_time)


def wait_for_scheduled_time(t: Transition) -> None:
    """WaitForScheduledTime: no run starts early; the delay is in whole seconds."""
    due = t.initial.state_details.scheduled_time if t.initial else None
    if due is None:
        return
    remaining = due - t.now
    seconds = floor(remaining.total_seconds())
    # Prefect rounds the fraction alone, so that half a second or less counts as zero.
    delay = seconds + round(remaining.microseconds / 1e6)
    if delay > 0:
        t.wait(delay, "Scheduled time is in the future")
