-- The sums by minute become sums by minute and by hour, of the expected start as before and of the effective one too: a
-- history of a month adds up hours, and a window of time is its hours, the minutes at its ends, and a few runs.
-- `series` says which: 1 minutes and 2 hours of the expected start, 3 minutes and 4 hours of the effective start.

CREATE TABLE flow_run_period (
    series smallint NOT NULL,
    start timestamptz NOT NULL,
    state_type text,
    state_name text,
    runs bigint NOT NULL,
    run_time numeric NOT NULL,
    lateness numeric NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX flow_run_period_key ON flow_run_period (series, start);

CREATE TABLE task_run_period (
    series smallint NOT NULL,
    start timestamptz NOT NULL,
    state_type text,
    state_name text,
    awaits_flow_run boolean NOT NULL,
    runs bigint NOT NULL,
    run_time numeric NOT NULL,
    lateness numeric NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX task_run_period_key ON task_run_period (series, start);

-- What grows with the clock is added when it is asked for: the few runs that are running, or wait, from their indexes alone.
CREATE INDEX flow_run_running ON flow_run (expected_start_time)
    INCLUDE (state_type, state_name, state_timestamp, total_run_time) WHERE state_type = 'RUNNING';
DROP INDEX flow_run_waiting;
CREATE INDEX flow_run_waiting ON flow_run (expected_start_time) INCLUDE (state_type, state_name)
    WHERE start_time IS NULL AND state_type NOT IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED');

-- The minute of the effective start; that of the expected one is `minute`.
ALTER TYPE counted_run ADD ATTRIBUTE began timestamptz;

CREATE OR REPLACE FUNCTION add_flow_runs(changes counted_run[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    MERGE INTO flow_run_count AS r USING (
        SELECT flow_id, state_type, state_name, deployment_id, work_queue_id,
            sum(n) AS runs, sum(n * lateness) AS lateness
        FROM unnest(changes) GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0 OR sum(n * lateness) <> 0
    ) AS c ON r.flow_id = c.flow_id AND r.state_type IS NOT DISTINCT FROM c.state_type
        AND r.state_name IS NOT DISTINCT FROM c.state_name AND r.deployment_id IS NOT DISTINCT FROM c.deployment_id
        AND r.work_queue_id IS NOT DISTINCT FROM c.work_queue_id
    WHEN MATCHED AND r.runs + c.runs = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET runs = r.runs + c.runs, lateness = r.lateness + c.lateness
    WHEN NOT MATCHED THEN INSERT
        VALUES (c.flow_id, c.state_type, c.state_name, c.deployment_id, c.work_queue_id, c.runs, c.lateness);

    MERGE INTO flow_run_period AS r USING (
        SELECT p.series, p.start, state_type, state_name,
            sum(n) AS runs, sum(n * run_time) AS run_time, sum(n * lateness) AS lateness
        FROM unnest(changes), LATERAL (VALUES
            (1::smallint, minute), (2::smallint, date_trunc('hour', minute, 'UTC')),
            (3::smallint, began), (4::smallint, date_trunc('hour', began, 'UTC'))
        ) AS p(series, start)
        WHERE p.start IS NOT NULL GROUP BY 1, 2, 3, 4
        HAVING sum(n) <> 0 OR sum(n * run_time) <> 0 OR sum(n * lateness) <> 0
    ) AS c ON r.series = c.series AND r.start = c.start AND r.state_type IS NOT DISTINCT FROM c.state_type
        AND r.state_name IS NOT DISTINCT FROM c.state_name
    WHEN MATCHED AND r.runs + c.runs = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET
        runs = r.runs + c.runs, run_time = r.run_time + c.run_time, lateness = r.lateness + c.lateness
    WHEN NOT MATCHED THEN INSERT
        VALUES (c.series, c.start, c.state_type, c.state_name, c.runs, c.run_time, c.lateness);
END
$$;

CREATE OR REPLACE FUNCTION add_task_runs(changes counted_run[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    MERGE INTO task_run_count AS r USING (
        SELECT state_type, state_name, awaits_flow_run, sum(n) AS runs
        FROM unnest(changes) GROUP BY 1, 2, 3 HAVING sum(n) <> 0
    ) AS c ON r.awaits_flow_run = c.awaits_flow_run AND r.state_type IS NOT DISTINCT FROM c.state_type
        AND r.state_name IS NOT DISTINCT FROM c.state_name
    WHEN MATCHED AND r.runs + c.runs = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET runs = r.runs + c.runs
    WHEN NOT MATCHED THEN INSERT VALUES (c.state_type, c.state_name, c.awaits_flow_run, c.runs);

    MERGE INTO task_run_period AS r USING (
        SELECT p.series, p.start, state_type, state_name, awaits_flow_run,
            sum(n) AS runs, sum(n * run_time) AS run_time, sum(n * lateness) AS lateness
        FROM unnest(changes), LATERAL (VALUES
            (1::smallint, minute), (2::smallint, date_trunc('hour', minute, 'UTC'))
        ) AS p(series, start)
        WHERE p.start IS NOT NULL GROUP BY 1, 2, 3, 4, 5
        HAVING sum(n) <> 0 OR sum(n * run_time) <> 0 OR sum(n * lateness) <> 0
    ) AS c ON r.series = c.series AND r.start = c.start AND r.state_type IS NOT DISTINCT FROM c.state_type
        AND r.state_name IS NOT DISTINCT FROM c.state_name AND r.awaits_flow_run = c.awaits_flow_run
    WHEN MATCHED AND r.runs + c.runs = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET
        runs = r.runs + c.runs, run_time = r.run_time + c.run_time, lateness = r.lateness + c.lateness
    WHEN NOT MATCHED THEN INSERT
        VALUES (c.series, c.start, c.state_type, c.state_name, c.awaits_flow_run, c.runs, c.run_time, c.lateness);
END
$$;

CREATE OR REPLACE FUNCTION roll_up_flow_runs() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    before counted_run[];
    after counted_run[];
BEGIN
    IF TG_OP <> 'INSERT' THEN
        SELECT array_agg(ROW (-1, date_trunc('minute', expected_start_time, 'UTC'), state_type, state_name,
            flow_id, deployment_id, work_queue_id, false,
            run_time_of(total_run_time), lateness_of(start_time, expected_start_time),
            date_trunc('minute', coalesce(start_time, expected_start_time), 'UTC'))::counted_run)
        INTO before FROM old_rows;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT array_agg(ROW (1, date_trunc('minute', expected_start_time, 'UTC'), state_type, state_name,
            flow_id, deployment_id, work_queue_id, false,
            run_time_of(total_run_time), lateness_of(start_time, expected_start_time),
            date_trunc('minute', coalesce(start_time, expected_start_time), 'UTC'))::counted_run)
        INTO after FROM new_rows;
    END IF;
    PERFORM add_flow_runs(before || after);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION roll_up_task_runs() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    before counted_run[];
    after counted_run[];
BEGIN
    IF TG_OP <> 'INSERT' THEN
        SELECT array_agg(ROW (-1, date_trunc('minute', expected_start_time, 'UTC'), state_type, state_name,
            NULL, NULL, NULL, awaits_flow_run,
            run_time_of(total_run_time), lateness_of(start_time, expected_start_time), NULL)::counted_run)
        INTO before FROM old_rows;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT array_agg(ROW (1, date_trunc('minute', expected_start_time, 'UTC'), state_type, state_name,
            NULL, NULL, NULL, awaits_flow_run,
            run_time_of(total_run_time), lateness_of(start_time, expected_start_time), NULL)::counted_run)
        INTO after FROM new_rows;
    END IF;
    PERFORM add_task_runs(before || after);
    RETURN NULL;
END
$$;

-- What is there already.
INSERT INTO flow_run_period
SELECT p.series, p.start, state_type, state_name,
    count(*), sum(run_time_of(total_run_time)), sum(lateness_of(start_time, expected_start_time))
FROM flow_run, LATERAL (VALUES
    (1::smallint, date_trunc('minute', expected_start_time, 'UTC')),
    (2::smallint, date_trunc('hour', expected_start_time, 'UTC')),
    (3::smallint, date_trunc('minute', coalesce(start_time, expected_start_time), 'UTC')),
    (4::smallint, date_trunc('hour', coalesce(start_time, expected_start_time), 'UTC'))
) AS p(series, start)
WHERE p.start IS NOT NULL GROUP BY 1, 2, 3, 4;

INSERT INTO task_run_period
SELECT p.series, p.start, state_type, state_name, awaits_flow_run,
    count(*), sum(run_time_of(total_run_time)), sum(lateness_of(start_time, expected_start_time))
FROM task_run, LATERAL (VALUES
    (1::smallint, date_trunc('minute', expected_start_time, 'UTC')),
    (2::smallint, date_trunc('hour', expected_start_time, 'UTC'))
) AS p(series, start)
WHERE p.start IS NOT NULL GROUP BY 1, 2, 3, 4, 5;

DROP TABLE flow_run_minute, task_run_minute;
