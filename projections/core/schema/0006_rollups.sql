-- Sums over runs, kept by triggers in the transaction that changes the runs: counts, history and lateness of large
-- tables are read from them. What grows with the clock (runs that are running, or late and not started) is not in them.
-- A row is found by the first columns of its key; the names of states may be too long for an index. The session of the
-- projector sees to it that the statements below use these indexes (projections/engine/writer.py).

CREATE TABLE flow_run_count (
    flow_id uuid NOT NULL,
    state_type text,
    state_name text,
    deployment_id uuid,
    work_queue_id uuid,
    runs bigint NOT NULL,
    lateness numeric NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX flow_run_count_key ON flow_run_count (flow_id, state_type);

-- By the minute in which runs were expected to start.
CREATE TABLE flow_run_minute (
    minute timestamptz NOT NULL,
    state_type text,
    state_name text,
    runs bigint NOT NULL,
    run_time numeric NOT NULL,
    lateness numeric NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX flow_run_minute_key ON flow_run_minute (minute);

CREATE TABLE task_run_count (
    state_type text,
    state_name text,
    awaits_flow_run boolean NOT NULL,
    runs bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX task_run_count_key ON task_run_count (awaits_flow_run, state_type);

CREATE TABLE task_run_minute (
    minute timestamptz NOT NULL,
    state_type text,
    state_name text,
    awaits_flow_run boolean NOT NULL,
    runs bigint NOT NULL,
    run_time numeric NOT NULL,
    lateness numeric NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX task_run_minute_key ON task_run_minute (minute);

-- The runs whose lateness grows with the clock.
CREATE INDEX flow_run_waiting ON flow_run (expected_start_time)
    WHERE start_time IS NULL AND state_type NOT IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED');
CREATE INDEX task_run_waiting ON task_run (expected_start_time)
    WHERE start_time IS NULL AND state_type NOT IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED');

CREATE FUNCTION lateness_of(start_time timestamptz, expected_start_time timestamptz) RETURNS numeric
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN start_time > expected_start_time
        THEN extract(epoch FROM start_time - expected_start_time) ELSE 0 END;

CREATE FUNCTION run_time_of(total_run_time double precision) RETURNS numeric
    LANGUAGE sql IMMUTABLE
    RETURN greatest(0, round(total_run_time::numeric, 6));

-- A run as it counts: `n` is 1 for what it is now, -1 for what it was.
CREATE TYPE counted_run AS (
    n integer,
    minute timestamptz,
    state_type text,
    state_name text,
    flow_id uuid,
    deployment_id uuid,
    work_queue_id uuid,
    awaits_flow_run boolean,
    run_time numeric,
    lateness numeric
);

CREATE FUNCTION add_flow_runs(changes counted_run[]) RETURNS void LANGUAGE plpgsql AS $$
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

    MERGE INTO flow_run_minute AS r USING (
        SELECT minute, state_type, state_name, sum(n) AS runs, sum(n * run_time) AS run_time, sum(n * lateness) AS lateness
        FROM unnest(changes) WHERE minute IS NOT NULL GROUP BY 1, 2, 3
        HAVING sum(n) <> 0 OR sum(n * run_time) <> 0 OR sum(n * lateness) <> 0
    ) AS c ON r.minute = c.minute AND r.state_type IS NOT DISTINCT FROM c.state_type
        AND r.state_name IS NOT DISTINCT FROM c.state_name
    WHEN MATCHED AND r.runs + c.runs = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET
        runs = r.runs + c.runs, run_time = r.run_time + c.run_time, lateness = r.lateness + c.lateness
    WHEN NOT MATCHED THEN INSERT VALUES (c.minute, c.state_type, c.state_name, c.runs, c.run_time, c.lateness);
END
$$;

CREATE FUNCTION add_task_runs(changes counted_run[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    MERGE INTO task_run_count AS r USING (
        SELECT state_type, state_name, awaits_flow_run, sum(n) AS runs
        FROM unnest(changes) GROUP BY 1, 2, 3 HAVING sum(n) <> 0
    ) AS c ON r.awaits_flow_run = c.awaits_flow_run AND r.state_type IS NOT DISTINCT FROM c.state_type
        AND r.state_name IS NOT DISTINCT FROM c.state_name
    WHEN MATCHED AND r.runs + c.runs = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET runs = r.runs + c.runs
    WHEN NOT MATCHED THEN INSERT VALUES (c.state_type, c.state_name, c.awaits_flow_run, c.runs);

    MERGE INTO task_run_minute AS r USING (
        SELECT minute, state_type, state_name, awaits_flow_run,
            sum(n) AS runs, sum(n * run_time) AS run_time, sum(n * lateness) AS lateness
        FROM unnest(changes) WHERE minute IS NOT NULL GROUP BY 1, 2, 3, 4
        HAVING sum(n) <> 0 OR sum(n * run_time) <> 0 OR sum(n * lateness) <> 0
    ) AS c ON r.minute = c.minute AND r.state_type IS NOT DISTINCT FROM c.state_type
        AND r.state_name IS NOT DISTINCT FROM c.state_name AND r.awaits_flow_run = c.awaits_flow_run
    WHEN MATCHED AND r.runs + c.runs = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET
        runs = r.runs + c.runs, run_time = r.run_time + c.run_time, lateness = r.lateness + c.lateness
    WHEN NOT MATCHED THEN INSERT
        VALUES (c.minute, c.state_type, c.state_name, c.awaits_flow_run, c.runs, c.run_time, c.lateness);
END
$$;

CREATE FUNCTION roll_up_flow_runs() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    before counted_run[];
    after counted_run[];
BEGIN
    IF TG_OP <> 'INSERT' THEN
        SELECT array_agg(ROW (-1, date_trunc('minute', expected_start_time, 'UTC'), state_type, state_name,
            flow_id, deployment_id, work_queue_id, false,
            run_time_of(total_run_time), lateness_of(start_time, expected_start_time))::counted_run)
        INTO before FROM old_rows;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT array_agg(ROW (1, date_trunc('minute', expected_start_time, 'UTC'), state_type, state_name,
            flow_id, deployment_id, work_queue_id, false,
            run_time_of(total_run_time), lateness_of(start_time, expected_start_time))::counted_run)
        INTO after FROM new_rows;
    END IF;
    PERFORM add_flow_runs(before || after);
    RETURN NULL;
END
$$;

-- What is there already, a part at a time.
SELECT add_flow_runs(array_agg(ROW (1, date_trunc('minute', expected_start_time, 'UTC'), state_type, state_name,
    flow_id, deployment_id, work_queue_id, false,
    run_time_of(total_run_time), lateness_of(start_time, expected_start_time))::counted_run))
FROM flow_run GROUP BY flow_id;

CREATE TRIGGER flow_run_inserted AFTER INSERT ON flow_run
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION roll_up_flow_runs();
CREATE TRIGGER flow_run_updated AFTER UPDATE ON flow_run
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION roll_up_flow_runs();
CREATE TRIGGER flow_run_deleted AFTER DELETE ON flow_run
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION roll_up_flow_runs();

CREATE FUNCTION roll_up_task_runs() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    before counted_run[];
    after counted_run[];
BEGIN
    IF TG_OP <> 'INSERT' THEN
        SELECT array_agg(ROW (-1, date_trunc('minute', expected_start_time, 'UTC'), state_type, state_name,
            NULL, NULL, NULL, awaits_flow_run,
            run_time_of(total_run_time), lateness_of(start_time, expected_start_time))::counted_run)
        INTO before FROM old_rows;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT array_agg(ROW (1, date_trunc('minute', expected_start_time, 'UTC'), state_type, state_name,
            NULL, NULL, NULL, awaits_flow_run,
            run_time_of(total_run_time), lateness_of(start_time, expected_start_time))::counted_run)
        INTO after FROM new_rows;
    END IF;
    PERFORM add_task_runs(before || after);
    RETURN NULL;
END
$$;

-- What is there already, a part at a time.
SELECT add_task_runs(array_agg(ROW (1, date_trunc('minute', expected_start_time, 'UTC'), state_type, state_name,
    NULL, NULL, NULL, awaits_flow_run,
    run_time_of(total_run_time), lateness_of(start_time, expected_start_time))::counted_run))
FROM task_run GROUP BY flow_run_id;

CREATE TRIGGER task_run_inserted AFTER INSERT ON task_run
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION roll_up_task_runs();
CREATE TRIGGER task_run_updated AFTER UPDATE ON task_run
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION roll_up_task_runs();
CREATE TRIGGER task_run_deleted AFTER DELETE ON task_run
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION roll_up_task_runs();
