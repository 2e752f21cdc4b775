-- Sums of what the clock adds to runs (docs/adr/0026): `series` 4 and 5 are the hours and the days of the expected start again, for
-- runs that are running, or wait for their start. In place of run time or lateness they have the instants from which these
-- grow, in microseconds from the beginning of the period: these tell at any moment how much all have grown together.

ALTER TYPE counted_run ADD ATTRIBUTE instant timestamptz;

-- Null where nothing grows, or not evenly: a run that began to run in the future grows only then.
CREATE FUNCTION instant_of(
    state_type text, start_time timestamptz, expected_start_time timestamptz,
    state_timestamp timestamptz, updated timestamptz, total_run_time double precision
) RETURNS timestamptz LANGUAGE sql IMMUTABLE
    RETURN CASE
        WHEN state_type = 'RUNNING' THEN
            CASE WHEN start_time IS NOT NULL AND state_timestamp <= updated AND total_run_time >= 0 THEN state_timestamp END
        WHEN start_time IS NULL AND state_type NOT IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED') THEN expected_start_time
    END;

-- The runs that are running and do not grow evenly are asked for one by one: there are hardly any.
DROP INDEX flow_run_running;
CREATE INDEX flow_run_unsteady ON flow_run (expected_start_time) WHERE state_type = 'RUNNING'
    AND (start_time IS NOT NULL AND state_timestamp <= updated AND total_run_time >= 0) IS NOT TRUE;
CREATE INDEX task_run_unsteady ON task_run (expected_start_time) WHERE state_type = 'RUNNING'
    AND (start_time IS NOT NULL AND state_timestamp <= updated AND total_run_time >= 0) IS NOT TRUE;

CREATE FUNCTION growing_parts(state_type text, minute timestamptz, instant timestamptz)
RETURNS TABLE (series smallint, start timestamptz, part integer, run_time numeric, lateness numeric)
LANGUAGE sql STABLE AS $$
    SELECT p.series, p.start, p.part,
        CASE WHEN state_type = 'RUNNING' THEN 1000000 * extract(epoch FROM instant - p.start) ELSE 0 END,
        CASE WHEN state_type = 'RUNNING' THEN 0 ELSE 1000000 * extract(epoch FROM instant - p.start) END
    FROM (VALUES
        (4::smallint, date_trunc('hour', minute, 'UTC'), date_part('minute', minute AT TIME ZONE 'UTC')::integer),
        (5::smallint, date_trunc('day', minute, 'UTC'), date_part('hour', minute AT TIME ZONE 'UTC')::integer)
    ) AS p(series, start, part)
    WHERE instant IS NOT NULL
$$;

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
        SELECT series, start, state_type, state_name,
            sum(runs)::bigint AS runs, bounded(sum(run_time)) AS run_time, bounded(sum(lateness)) AS lateness,
            array_agg(part) AS changed,
            array_agg(runs) AS of_runs, array_agg(run_time) AS of_run_time, array_agg(lateness) AS of_lateness
        FROM (
            SELECT p.series, p.start, p.part, run.state_type, run.state_name, sum(run.n) AS runs,
                bounded(sum(run.n * p.run_time)) AS run_time, bounded(sum(run.n * p.lateness)) AS lateness
            FROM unnest(changes) AS run, LATERAL (
                SELECT v.*, run.run_time * 1000000, run.lateness * 1000000 FROM (VALUES
                    (1::smallint, date_trunc('hour', minute, 'UTC'), date_part('minute', minute AT TIME ZONE 'UTC')::integer),
                    (2::smallint, date_trunc('day', minute, 'UTC'), date_part('hour', minute AT TIME ZONE 'UTC')::integer),
                    (3::smallint, date_trunc('hour', began, 'UTC'), date_part('minute', began AT TIME ZONE 'UTC')::integer)
                ) AS v
                UNION ALL SELECT * FROM growing_parts(run.state_type, minute, instant)
            ) AS p(series, start, part, run_time, lateness)
            WHERE p.start IS NOT NULL GROUP BY 1, 2, 3, 4, 5
            HAVING sum(run.n) <> 0 OR sum(run.n * p.run_time) <> 0 OR sum(run.n * p.lateness) <> 0
        ) AS part GROUP BY 1, 2, 3, 4
    ) AS c ON r.series = c.series AND r.start = c.start AND r.state_type IS NOT DISTINCT FROM c.state_type
        AND r.state_name IS NOT DISTINCT FROM c.state_name
    WHEN MATCHED AND r.runs + c.runs = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET
        runs = r.runs + c.runs, run_time = bounded(r.run_time + c.run_time), lateness = bounded(r.lateness + c.lateness),
        parts = parts_with(r.parts, c.changed, c.of_runs, c.of_run_time, c.of_lateness)
    WHEN NOT MATCHED THEN INSERT
        VALUES (c.series, c.start, c.state_type, c.state_name, c.runs, c.run_time, c.lateness,
            parts_with('\x00', c.changed, c.of_runs, c.of_run_time, c.of_lateness));
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
        SELECT series, start, state_type, state_name, awaits_flow_run,
            sum(runs)::bigint AS runs, bounded(sum(run_time)) AS run_time, bounded(sum(lateness)) AS lateness,
            array_agg(part) AS changed,
            array_agg(runs) AS of_runs, array_agg(run_time) AS of_run_time, array_agg(lateness) AS of_lateness
        FROM (
            SELECT p.series, p.start, p.part, run.state_type, run.state_name, run.awaits_flow_run, sum(run.n) AS runs,
                bounded(sum(run.n * p.run_time)) AS run_time, bounded(sum(run.n * p.lateness)) AS lateness
            FROM unnest(changes) AS run, LATERAL (
                SELECT v.*, run.run_time * 1000000, run.lateness * 1000000 FROM (VALUES
                    (1::smallint, date_trunc('hour', minute, 'UTC'), date_part('minute', minute AT TIME ZONE 'UTC')::integer),
                    (2::smallint, date_trunc('day', minute, 'UTC'), date_part('hour', minute AT TIME ZONE 'UTC')::integer)
                ) AS v
                UNION ALL SELECT * FROM growing_parts(run.state_type, minute, instant)
            ) AS p(series, start, part, run_time, lateness)
            WHERE p.start IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6
            HAVING sum(run.n) <> 0 OR sum(run.n * p.run_time) <> 0 OR sum(run.n * p.lateness) <> 0
        ) AS part GROUP BY 1, 2, 3, 4, 5
    ) AS c ON r.series = c.series AND r.start = c.start AND r.state_type IS NOT DISTINCT FROM c.state_type
        AND r.state_name IS NOT DISTINCT FROM c.state_name AND r.awaits_flow_run = c.awaits_flow_run
    WHEN MATCHED AND r.runs + c.runs = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET
        runs = r.runs + c.runs, run_time = bounded(r.run_time + c.run_time), lateness = bounded(r.lateness + c.lateness),
        parts = parts_with(r.parts, c.changed, c.of_runs, c.of_run_time, c.of_lateness)
    WHEN NOT MATCHED THEN INSERT
        VALUES (c.series, c.start, c.state_type, c.state_name, c.awaits_flow_run, c.runs, c.run_time, c.lateness,
            parts_with('\x00', c.changed, c.of_runs, c.of_run_time, c.of_lateness));
END
$$;

CREATE OR REPLACE FUNCTION roll_up_flow_runs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before counted_run[];
    after counted_run[];
BEGIN
    IF TG_OP <> 'INSERT' THEN
        SELECT array_agg(ROW (-1, date_trunc('minute', expected_start_time, 'UTC'), state_type, state_name,
            flow_id, deployment_id, work_queue_id, false,
            run_time_of(total_run_time), lateness_of(start_time, expected_start_time),
            date_trunc('minute', coalesce(start_time, expected_start_time), 'UTC'),
            instant_of(state_type, start_time, expected_start_time, state_timestamp, updated, total_run_time))::counted_run)
        INTO before FROM old_rows;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT array_agg(ROW (1, date_trunc('minute', expected_start_time, 'UTC'), state_type, state_name,
            flow_id, deployment_id, work_queue_id, false,
            run_time_of(total_run_time), lateness_of(start_time, expected_start_time),
            date_trunc('minute', coalesce(start_time, expected_start_time), 'UTC'),
            instant_of(state_type, start_time, expected_start_time, state_timestamp, updated, total_run_time))::counted_run)
        INTO after FROM new_rows;
    END IF;
    PERFORM add_flow_runs(before || after);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION roll_up_task_runs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before counted_run[];
    after counted_run[];
BEGIN
    IF TG_OP <> 'INSERT' THEN
        SELECT array_agg(ROW (-1, date_trunc('minute', expected_start_time, 'UTC'), state_type, state_name,
            NULL, NULL, NULL, awaits_flow_run,
            run_time_of(total_run_time), lateness_of(start_time, expected_start_time), NULL,
            instant_of(state_type, start_time, expected_start_time, state_timestamp, updated, total_run_time))::counted_run)
        INTO before FROM old_rows;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT array_agg(ROW (1, date_trunc('minute', expected_start_time, 'UTC'), state_type, state_name,
            NULL, NULL, NULL, awaits_flow_run,
            run_time_of(total_run_time), lateness_of(start_time, expected_start_time), NULL,
            instant_of(state_type, start_time, expected_start_time, state_timestamp, updated, total_run_time))::counted_run)
        INTO after FROM new_rows;
    END IF;
    PERFORM add_task_runs(before || after);
    RETURN NULL;
END
$$;

-- What is there already.
INSERT INTO flow_run_period
SELECT series, start, state_type, state_name, sum(runs), bounded(sum(run_time)), bounded(sum(lateness)),
    parts_with('\x00', array_agg(part), array_agg(runs), array_agg(run_time), array_agg(lateness))
FROM (
    SELECT p.series, p.start, p.part, run.state_type, state_name,
        count(*) AS runs, bounded(sum(p.run_time)) AS run_time, bounded(sum(p.lateness)) AS lateness
    FROM flow_run AS run, LATERAL growing_parts(
        run.state_type, date_trunc('minute', expected_start_time, 'UTC'),
        instant_of(run.state_type, start_time, expected_start_time, state_timestamp, updated, total_run_time)
    ) AS p WHERE p.start IS NOT NULL GROUP BY 1, 2, 3, 4, 5
) AS part GROUP BY 1, 2, 3, 4 ORDER BY 1, 2;

INSERT INTO task_run_period
SELECT series, start, state_type, state_name, awaits_flow_run, sum(runs), bounded(sum(run_time)), bounded(sum(lateness)),
    parts_with('\x00', array_agg(part), array_agg(runs), array_agg(run_time), array_agg(lateness))
FROM (
    SELECT p.series, p.start, p.part, run.state_type, state_name, awaits_flow_run,
        count(*) AS runs, bounded(sum(p.run_time)) AS run_time, bounded(sum(p.lateness)) AS lateness
    FROM task_run AS run, LATERAL growing_parts(
        run.state_type, date_trunc('minute', expected_start_time, 'UTC'),
        instant_of(run.state_type, start_time, expected_start_time, state_timestamp, updated, total_run_time)
    ) AS p WHERE p.start IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6
) AS part GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2;
