"""The durations that Prefect computes when a run is read (queries.md section 6), in SQL, in seconds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

#: What a run that is running has run since it was seen last.
_SINCE: Final = "extract(epoch FROM statement_timestamp() - state_timestamp)"

ESTIMATED_RUN_TIME: Final = f"total_run_time + CASE WHEN state_type = 'RUNNING' THEN {_SINCE} ELSE 0 END"

#: The runs that are later with every second: they have not started, and may.
IS_WAITING: Final = "start_time IS NULL AND state_type NOT IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')"
IS_LATE: Final = f"{IS_WAITING} AND expected_start_time < statement_timestamp()"
LATE_BY: Final = "extract(epoch FROM statement_timestamp() - expected_start_time)"

#: The sum of it, in a fraction of the time.
LATE_BY_ALL: Final = "extract(epoch FROM sum(statement_timestamp() - expected_start_time))"

ESTIMATED_START_TIME_DELTA: Final = (
    "CASE WHEN start_time > expected_start_time THEN extract(epoch FROM start_time - expected_start_time)"
    f" WHEN {IS_LATE} THEN {LATE_BY} ELSE 0 END"
)

COLUMNS: Final = (
    f"({ESTIMATED_RUN_TIME})::double precision AS estimated_run_time,"
    f" ({ESTIMATED_START_TIME_DELTA})::double precision AS estimated_start_time_delta"
)


def of_waiting(row: Mapping[str, Any], now: datetime) -> dict[str, float]:
    """The same of a run that has not started, whose time is known."""
    expected: datetime | None = row["expected_start_time"]
    late_by = 0.0 if expected is None else max(0.0, (now - expected).total_seconds())
    return {"estimated_run_time": row["total_run_time"], "estimated_start_time_delta": late_by}


#: Running runs whose time does not grow evenly are in no sum of instants (schema/derived/run_sums.sql).
_IS_STEADY: Final = "(start_time IS NOT NULL AND state_timestamp <= updated AND total_run_time >= 0)"
IS_UNSTEADY: Final = f"state_type = 'RUNNING' AND {_IS_STEADY} IS NOT TRUE"

#: The same for sums: exact, and never negative.
RUN_TIME: Final = f"greatest(0, round(({ESTIMATED_RUN_TIME})::numeric, 6))"
LATENESS: Final = f"greatest(0, {ESTIMATED_START_TIME_DELTA})"
#: What `RUN_TIME` of a run that is running is more than it was when it was seen last: as floating point, because making
#: it a decimal takes longer than anything else about it.
RUNNING_SINCE: Final = (
    "greatest(0, total_run_time + date_part('epoch', statement_timestamp() - state_timestamp))"
    " - greatest(0, total_run_time)"
)
#: What sums of instants make of a run that is running, in seconds.
GROWN_RUN_TIME: Final = f"CASE WHEN state_type = 'RUNNING' AND {_IS_STEADY} THEN {RUNNING_SINCE} ELSE 0 END"
#: What is added to the lateness of one that they do not know.
UNSTEADY_LATENESS: Final = f"CASE WHEN {IS_LATE} THEN {LATE_BY} ELSE 0 END"


def is_late_since(unit: str) -> str:
    """The runs that have become late in the present minute or hour: sums of instants tell it of those before."""
    return f"{IS_LATE} AND state_type <> 'RUNNING' AND expected_start_time >= {present(unit)}"


def grown_lateness(unit: str) -> str:
    """What sums of instants make of a run that waits, in seconds."""
    is_known = f"{IS_WAITING} AND state_type <> 'RUNNING' AND expected_start_time < {present(unit)}"
    return f"CASE WHEN {is_known} THEN {LATE_BY} ELSE 0 END"


def present(unit: str) -> str:
    """When the minute or the hour began that it is now."""
    return f"date_trunc('{unit}', statement_timestamp(), 'UTC')"
