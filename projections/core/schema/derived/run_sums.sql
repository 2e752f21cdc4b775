-- Sums over runs (docs/adr/0008), kept by triggers in the transaction that changes the runs. No index has the names of states,
-- which may be too long for it. Times are whole microseconds: as floating point they add up exactly for 285 years, and never
-- overflow.

CREATE TABLE flow_run_count (
    flow_id uuid NOT NULL,
    state_type text,
    state_name text,
    deployment_id uuid,
    work_queue_id uuid,
    runs bigint NOT NULL,
    lateness double precision NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX flow_run_count_key ON flow_run_count (flow_id, state_type);

CREATE TABLE task_run_count (
    awaits_flow_run boolean NOT NULL,
    state_type text,
    state_name text,
    runs bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX task_run_count_key ON task_run_count (awaits_flow_run, state_type);

-- The kind of the runs, the start that decides about their bucket, and the length of the bucket.
CREATE TYPE bucket_series AS ENUM (
    'flow_run_expected_hour', 'flow_run_expected_minute', 'flow_run_effective_hour', 'flow_run_effective_minute',
    'task_run_expected_hour', 'task_run_expected_minute', 'task_run_effective_hour', 'task_run_effective_minute'
);

CREATE TABLE run_bucket (
    series bucket_series NOT NULL,
    start timestamptz NOT NULL,
    state_type text,
    state_name text,
    runs bigint NOT NULL,
    run_time double precision NOT NULL,
    lateness double precision NOT NULL,
    -- The runs whose run time or lateness increases with time, and the sum of the times from `start` to this increase.
    open_runs bigint NOT NULL,
    open_since double precision NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX run_bucket_key ON run_bucket (series, start);

CREATE FUNCTION microseconds(duration interval) RETURNS double precision LANGUAGE sql IMMUTABLE
    RETURN round(1000000 * date_part('epoch', duration));
CREATE FUNCTION run_time_of(total_run_time double precision) RETURNS double precision LANGUAGE sql IMMUTABLE
    RETURN greatest(0, round(1000000 * total_run_time));
CREATE FUNCTION lateness_of(start_time timestamptz, expected_start_time timestamptz) RETURNS double precision
    LANGUAGE sql IMMUTABLE RETURN coalesce(greatest(0, microseconds(start_time - expected_start_time)), 0);

-- The time from which on the run time of a running run, or the lateness of a run that has not started, increases.
CREATE FUNCTION grows_since(
    state_type text, start_time timestamptz, expected_start_time timestamptz, state_timestamp timestamptz
) RETURNS timestamptz LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN state_type = 'RUNNING' THEN state_timestamp
        WHEN start_time IS NULL AND state_type NOT IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')
        THEN expected_start_time END;

-- The run time of a running run does not increase evenly if a clock was ahead or a time is missing. Such a run is in no
-- bucket: queries read its row.
CREATE FUNCTION is_irregular(
    state_type text, start_time timestamptz, state_timestamp timestamptz, updated timestamptz, total_run_time double precision
) RETURNS boolean LANGUAGE sql IMMUTABLE
    RETURN (state_type = 'RUNNING') IS TRUE
        AND (start_time IS NOT NULL AND state_timestamp <= updated AND total_run_time >= 0) IS NOT TRUE;
CREATE INDEX flow_run_irregular ON flow_run (expected_start_time)
    WHERE is_irregular(state_type, start_time, state_timestamp, updated, total_run_time);
CREATE INDEX task_run_irregular ON task_run (expected_start_time)
    WHERE is_irregular(state_type, start_time, state_timestamp, updated, total_run_time);

-- A run that enters the sums (`n` is 1) or leaves them (`n` is -1).
CREATE TYPE rollup_delta AS (
    n integer,
    state_type text,
    state_name text,
    run_time double precision,
    lateness double precision,
    grows_since timestamptz,
    is_in_buckets boolean,
    expected_start timestamptz,
    effective_start timestamptz,
    flow_id uuid,
    deployment_id uuid,
    work_queue_id uuid,
    awaits_flow_run boolean
);

CREATE FUNCTION flow_run_delta(n integer, run flow_run) RETURNS rollup_delta LANGUAGE sql IMMUTABLE
    RETURN (n, run.state_type, run.state_name, run_time_of(run.total_run_time),
        lateness_of(run.start_time, run.expected_start_time),
        grows_since(run.state_type, run.start_time, run.expected_start_time, run.state_timestamp),
        NOT is_irregular(run.state_type, run.start_time, run.state_timestamp, run.updated, run.total_run_time),
        run.expected_start_time, coalesce(run.start_time, run.expected_start_time),
        run.flow_id, run.deployment_id, run.work_queue_id, false)::rollup_delta;

CREATE FUNCTION task_run_delta(n integer, run task_run) RETURNS rollup_delta LANGUAGE sql IMMUTABLE
    RETURN (n, run.state_type, run.state_name, run_time_of(run.total_run_time),
        lateness_of(run.start_time, run.expected_start_time),
        grows_since(run.state_type, run.start_time, run.expected_start_time, run.state_timestamp),
        NOT run.awaits_flow_run
            AND NOT is_irregular(run.state_type, run.start_time, run.state_timestamp, run.updated, run.total_run_time),
        run.expected_start_time, NULL, NULL, NULL, NULL, run.awaits_flow_run)::rollup_delta;

CREATE FUNCTION add_to_buckets(kind text, deltas rollup_delta[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    MERGE INTO run_bucket AS b USING (
        SELECT s.series, s.start, state_type, state_name,
            sum(n) AS runs, sum(n * run_time) AS run_time, sum(n * lateness) AS lateness,
            coalesce(sum(n) FILTER (WHERE grows_since IS NOT NULL), 0) AS open_runs,
            coalesce(sum(n * microseconds(grows_since - s.start)), 0) AS open_since
        FROM unnest(deltas), LATERAL (VALUES
            ((kind || '_expected_hour')::bucket_series, date_bin('1 hour', expected_start, 'epoch')),
            ((kind || '_expected_minute')::bucket_series, date_bin('1 minute', expected_start, 'epoch')),
            ((kind || '_effective_hour')::bucket_series, date_bin('1 hour', effective_start, 'epoch')),
            ((kind || '_effective_minute')::bucket_series, date_bin('1 minute', effective_start, 'epoch'))
        ) AS s(series, start)
        WHERE is_in_buckets AND s.start IS NOT NULL GROUP BY 1, 2, 3, 4
    ) AS c ON b.series = c.series AND b.start = c.start
        AND (b.state_type, b.state_name) IS NOT DISTINCT FROM (c.state_type, c.state_name)
    WHEN MATCHED AND b.runs + c.runs = 0 THEN DELETE
    WHEN MATCHED AND (c.runs, c.run_time, c.lateness, c.open_runs, c.open_since) <> (0, 0, 0, 0, 0) THEN UPDATE SET
        runs = b.runs + c.runs, run_time = b.run_time + c.run_time, lateness = b.lateness + c.lateness,
        open_runs = b.open_runs + c.open_runs, open_since = b.open_since + c.open_since
    WHEN NOT MATCHED AND c.runs <> 0 THEN INSERT VALUES (c.series, c.start, c.state_type,
        c.state_name, c.runs, c.run_time, c.lateness, c.open_runs, c.open_since);
END
$$;

CREATE FUNCTION add_flow_runs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    deltas rollup_delta[] := '{}';
BEGIN
    IF TG_OP <> 'INSERT' THEN
        deltas := ARRAY(SELECT flow_run_delta(-1, run) FROM old_rows AS run);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        deltas := deltas || ARRAY(SELECT flow_run_delta(1, run) FROM new_rows AS run);
    END IF;
    PERFORM add_to_buckets('flow_run', deltas);
    MERGE INTO flow_run_count AS b USING (
        SELECT flow_id, state_type, state_name, deployment_id, work_queue_id,
            sum(n) AS runs, sum(n * lateness) AS lateness
        FROM unnest(deltas) GROUP BY 1, 2, 3, 4, 5
    ) AS c ON b.flow_id = c.flow_id AND (b.state_type, b.state_name, b.deployment_id, b.work_queue_id)
        IS NOT DISTINCT FROM (c.state_type, c.state_name, c.deployment_id, c.work_queue_id)
    WHEN MATCHED AND b.runs + c.runs = 0 THEN DELETE
    WHEN MATCHED AND (c.runs, c.lateness) <> (0, 0) THEN
        UPDATE SET runs = b.runs + c.runs, lateness = b.lateness + c.lateness
    WHEN NOT MATCHED AND c.runs <> 0 THEN INSERT
        VALUES (c.flow_id, c.state_type, c.state_name, c.deployment_id, c.work_queue_id, c.runs, c.lateness);
    RETURN NULL;
END
$$;

CREATE FUNCTION add_task_runs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    deltas rollup_delta[] := '{}';
BEGIN
    IF TG_OP <> 'INSERT' THEN
        deltas := ARRAY(SELECT task_run_delta(-1, run) FROM old_rows AS run);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        deltas := deltas || ARRAY(SELECT task_run_delta(1, run) FROM new_rows AS run);
    END IF;
    PERFORM add_to_buckets('task_run', deltas);
    MERGE INTO task_run_count AS b USING (
        SELECT awaits_flow_run, state_type, state_name, sum(n) AS runs FROM unnest(deltas) GROUP BY 1, 2, 3
    ) AS c ON b.awaits_flow_run = c.awaits_flow_run
        AND (b.state_type, b.state_name) IS NOT DISTINCT FROM (c.state_type, c.state_name)
    WHEN MATCHED AND b.runs + c.runs = 0 THEN DELETE
    WHEN MATCHED AND c.runs <> 0 THEN UPDATE SET runs = b.runs + c.runs
    WHEN NOT MATCHED AND c.runs <> 0 THEN INSERT VALUES (c.awaits_flow_run, c.state_type, c.state_name, c.runs);
    RETURN NULL;
END
$$;

CREATE TRIGGER flow_run_inserted AFTER INSERT ON flow_run
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION add_flow_runs();
CREATE TRIGGER flow_run_updated AFTER UPDATE ON flow_run
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION add_flow_runs();
CREATE TRIGGER flow_run_deleted AFTER DELETE ON flow_run
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION add_flow_runs();
CREATE TRIGGER task_run_inserted AFTER INSERT ON task_run
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION add_task_runs();
CREATE TRIGGER task_run_updated AFTER UPDATE ON task_run
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION add_task_runs();
CREATE TRIGGER task_run_deleted AFTER DELETE ON task_run
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION add_task_runs();
