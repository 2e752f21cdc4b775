"""The durations that Prefect computes when a run is read (docs/prefect/queries.md section 6), in SQL."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

#: The seconds since the run's last transition.
_SINCE: Final = "extract(epoch FROM statement_timestamp() - state_timestamp)"

ESTIMATED_RUN_TIME: Final = f"total_run_time + CASE WHEN state_type = 'RUNNING' THEN {_SINCE} ELSE 0 END"

#: The run has not started and may still start: its lateness increases with time.
_IS_WAITING: Final = "start_time IS NULL AND state_type NOT IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')"
IS_LATE: Final = f"{_IS_WAITING} AND expected_start_time < statement_timestamp()"

ESTIMATED_START_TIME_DELTA: Final = (
    "CASE WHEN start_time > expected_start_time THEN extract(epoch FROM start_time - expected_start_time)"
    f" WHEN {IS_LATE} THEN extract(epoch FROM statement_timestamp() - expected_start_time) ELSE 0 END"
)

#: The names of both durations in a response, and their SQL.
COLUMNS: Final = {
    "estimated_run_time": f"({ESTIMATED_RUN_TIME})::double precision",
    "estimated_start_time_delta": f"({ESTIMATED_START_TIME_DELTA})::double precision",
}

#: The same durations for the sums (schema/derived/run_sums.sql): whole microseconds, never negative.
RUN_TIME: Final = f"run_time_of({ESTIMATED_RUN_TIME})"
LATENESS: Final = (
    f"lateness_of(CASE WHEN {_IS_WAITING} THEN statement_timestamp() ELSE start_time END, expected_start_time)"
)
#: The lateness of a run that is late now, from columns that an index has (flow_run_waiting).
LATENESS_NOW: Final = "lateness_of(statement_timestamp(), expected_start_time)"
#: The run belongs to no bucket.
IS_IRREGULAR: Final = "is_irregular(state_type, start_time, state_timestamp, updated, total_run_time)"


def of_waiting(row: Mapping[str, Any], now: datetime) -> dict[str, float]:
    """Both durations of a run that has not started."""
    expected: datetime | None = row["expected_start_time"]
    late_by = 0.0 if expected is None else max(0.0, (now - expected).total_seconds())
    return {"estimated_run_time": row["total_run_time"], "estimated_start_time_delta": late_by}
