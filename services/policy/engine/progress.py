"""The run fields that every written state changes (docs/prefect/rules.md section 6, Prefect's global transforms)."""

from __future__ import annotations

from datetime import datetime

from antiphon.events.state import RunProgress, State, StateType


def advance(progress: RunProgress, initial: State | None, written: State, *, run_count: int) -> RunProgress:
    """The run's fields after it moved from `initial` to `written`; `run_count` comes from the caller's rules."""
    return RunProgress(
        run_count=run_count,
        start_time=_start_time(progress, written),
        end_time=_end_time(progress, initial, written),
        expected_start_time=_expected_start_time(progress, written),
        next_scheduled_start_time=_next_scheduled_start_time(progress, initial, written),
        total_run_time=_total_run_time(progress, initial, written),
    )


def _start_time(progress: RunProgress, written: State) -> datetime | None:
    """SetStartTime: once, when the run starts, or ends without having started."""
    if progress.start_time is None and (written.type is StateType.RUNNING or written.is_terminal):
        return written.timestamp
    return progress.start_time


def _end_time(progress: RunProgress, initial: State | None, written: State) -> datetime | None:
    """SetEndTime: the first of several terminal states counts; leaving them clears it."""
    if initial is not None and initial.is_terminal and not written.is_terminal:
        return None
    if written.is_terminal and progress.end_time is None:
        return written.timestamp
    return progress.end_time


def _expected_start_time(progress: RunProgress, written: State) -> datetime | None:
    """SetExpectedStartTime: once, from the first state."""
    if progress.expected_start_time is not None:
        return progress.expected_start_time
    if written.type is StateType.SCHEDULED:
        return written.state_details.scheduled_time
    return written.timestamp


def _next_scheduled_start_time(progress: RunProgress, initial: State | None, written: State) -> datetime | None:
    """SetNextScheduledStartTime: set on entering SCHEDULED, cleared on leaving it."""
    if written.type is StateType.SCHEDULED:
        return written.state_details.scheduled_time
    if initial is not None and initial.type is StateType.SCHEDULED:
        return None
    return progress.next_scheduled_start_time


def _total_run_time(progress: RunProgress, initial: State | None, written: State) -> float:
    """IncrementRunTime: the time between entering RUNNING and the next state, whatever it is."""
    if initial is None or initial.type is not StateType.RUNNING:
        return progress.total_run_time
    return progress.total_run_time + (written.timestamp - initial.timestamp).total_seconds()
