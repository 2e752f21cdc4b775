"""The two rules about scheduled times, the same for flow runs and task runs."""

from __future__ import annotations

from math import floor

from antiphon.services.policy.engine.orchestration import Transition


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
