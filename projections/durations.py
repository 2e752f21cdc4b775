"""The durations that Prefect computes when a run is read (queries.md section 6), in SQL, in seconds."""

from typing import Final

ESTIMATED_RUN_TIME: Final = (
    "total_run_time + CASE WHEN state_type = 'RUNNING'"
    " THEN extract(epoch FROM clock_timestamp() - state_timestamp) ELSE 0 END"
)

ESTIMATED_START_TIME_DELTA: Final = (
    "CASE WHEN start_time > expected_start_time THEN extract(epoch FROM start_time - expected_start_time)"
    " WHEN start_time IS NULL AND expected_start_time < clock_timestamp()"
    " AND state_type NOT IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')"
    " THEN extract(epoch FROM clock_timestamp() - expected_start_time) ELSE 0 END"
)

COLUMNS: Final = (
    f"({ESTIMATED_RUN_TIME})::double precision AS estimated_run_time,"
    f" ({ESTIMATED_START_TIME_DELTA})::double precision AS estimated_start_time_delta"
)
