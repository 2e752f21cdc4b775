-- Sums over runs (docs/adr/0013, 0017, 0026), kept by triggers in the transaction that changes the runs.

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

CREATE TABLE task_run_count (
    state_type text,
    state_name text,
    awaits_flow_run boolean NOT NULL,
    runs bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX task_run_count_key ON task_run_count (awaits_flow_run, state_type);

CREATE TABLE flow_run_period (
    series smallint NOT NULL,
    start timestamptz NOT NULL,
    state_type text,
    state_name text,
    runs bigint NOT NULL,
    run_time bigint NOT NULL,
    lateness bigint NOT NULL,
    parts bytea NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX flow_run_period_key ON flow_run_period (series, start);

CREATE TABLE task_run_period (
    series smallint NOT NULL,
    start timestamptz NOT NULL,
    state_type text,
    state_name text,
    awaits_flow_run boolean NOT NULL,
    runs bigint NOT NULL,
    run_time bigint NOT NULL,
    lateness bigint NOT NULL,
    parts bytea NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX task_run_period_key ON task_run_period (series, start);

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
    lateness numeric,
    began timestamptz,
    instant timestamptz
);

-- Times are whole microseconds: they add up exactly, and in less time than decimals. A sum of more than a hundred thousand years
-- stays where it is, rather than that a run could not be written.
CREATE FUNCTION bounded(microseconds numeric) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN least(greatest(microseconds, -4e18), 4e18)::bigint;
CREATE FUNCTION bounded(microseconds bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN least(greatest(microseconds, -4000000000000000000), 4000000000000000000);

-- For each part the number of runs, their run time and their lateness, in eight bytes each as int8send() writes them. Zeros at both
-- ends are left out: the first byte says how many parts are missing before the first one that is there.
CREATE FUNCTION all_parts(packed bytea) RETURNS bytea LANGUAGE sql IMMUTABLE
    RETURN overlay(decode(repeat('00', 24 * 60), 'hex') PLACING substring(packed FROM 2)
        FROM 24 * get_byte(packed, 0) + 1 FOR octet_length(packed) - 1);

-- The number that begins at a byte: PostgreSQL 18 can cast it, which takes a fifth of the time.
DO $$
BEGIN
    EXECUTE 'CREATE FUNCTION number_at(parts bytea, place integer) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN '
        || CASE WHEN current_setting('server_version_num')::integer >= 180000
            THEN 'substring(parts FROM place + 1 FOR 8)::bigint'
            ELSE '(''x'' || encode(substring(parts FROM place + 1 FOR 8), ''hex''))::bit(64)::bigint' END;
END
$$;

CREATE FUNCTION parts_with(
    packed bytea, changed integer[], runs bigint[], run_times bigint[], latenesses bigint[]
) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    parts bytea := all_parts(packed);
    place integer;
    number bigint;
BEGIN
    FOR i IN 1 .. cardinality(changed) LOOP
        place := 24 * changed[i];
        number := number_at(parts, place) + runs[i];
        parts := overlay(parts PLACING
            CASE WHEN number = 0 THEN '\x000000000000000000000000000000000000000000000000'::bytea
            ELSE int8send(number)
                || int8send(bounded(number_at(parts, place + 8) + run_times[i]))
                || int8send(bounded(number_at(parts, place + 16) + latenesses[i])) END
            FROM place + 1 FOR 24);
    END LOOP;
    place := (octet_length(parts) - octet_length(ltrim(parts, '\x00'))) / 24;
    RETURN set_byte('\x00', 0, place) || rtrim(substring(parts FROM 24 * place + 1), '\x00');
END
$$;

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

CREATE FUNCTION roll_up_flow_runs() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE FUNCTION roll_up_task_runs() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER flow_run_inserted AFTER INSERT ON flow_run
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION roll_up_flow_runs();
CREATE TRIGGER flow_run_updated AFTER UPDATE ON flow_run
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION roll_up_flow_runs();
CREATE TRIGGER flow_run_deleted AFTER DELETE ON flow_run
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION roll_up_flow_runs();

CREATE TRIGGER task_run_inserted AFTER INSERT ON task_run
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION roll_up_task_runs();
CREATE TRIGGER task_run_updated AFTER UPDATE ON task_run
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION roll_up_task_runs();
CREATE TRIGGER task_run_deleted AFTER DELETE ON task_run
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION roll_up_task_runs();
