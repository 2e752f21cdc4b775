-- Indexes for what is searched for otherwise: by end, name, version, queue, flow and deployment (docs/adr/0032).
-- A text may be too long for an index: its beginning is indexed, which of nearly all texts is the whole.

CREATE INDEX flow_run_end ON flow_run (end_time);
CREATE INDEX flow_run_named ON flow_run (left(name, 500));
CREATE INDEX flow_run_version ON flow_run (left(flow_version, 500));
CREATE INDEX flow_run_queue_name ON flow_run (left(work_queue_name, 500));
CREATE INDEX task_run_end ON task_run (end_time);
CREATE INDEX task_run_named ON task_run (left(name, 500));

-- The runs of a flow or a deployment in a window of time are counted from the index alone.
DROP INDEX flow_run_flow, flow_run_deployment;
CREATE INDEX flow_run_flow ON flow_run (flow_id, expected_start_time);
CREATE INDEX flow_run_deployment ON flow_run (deployment_id, expected_start_time) WHERE deployment_id IS NOT NULL;

-- Runs whose state has another name than most have at one time (projections/filters/special.py): late ones, above all.
DO $do$
DECLARE
    run text;
BEGIN
    FOREACH run IN ARRAY ARRAY['flow_run', 'task_run'] LOOP
        EXECUTE format(
            'CREATE INDEX %I ON %I (left(state_name, 500), expected_start_time) WHERE left(state_name, 500)'
            ' <> ALL (''{Scheduled,Pending,Running,Completed,Failed,Cancelled,Crashed}'')', run || '_unusual_state', run
        );
        -- How frequent a value is PostgreSQL does not learn from an index of some rows.
        EXECUTE format('CREATE STATISTICS %I ON (left(state_name, 500)) FROM %I', run || '_state_names', run);
    END LOOP;
END
$do$;

-- A part of a name that few runs have. Where PostgreSQL comes without pg_trgm all names are read. What a transaction adds
-- goes to a list first, which is read by every search: it is kept short.
DO $do$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA observed;
    EXECUTE format(
        'CREATE INDEX flow_run_name_parts ON flow_run_name USING gin (lower_name %s.gin_trgm_ops)'
        ' WITH (gin_pending_list_limit = 256)',
        (SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'pg_trgm')
    );
EXCEPTION WHEN feature_not_supported OR undefined_file OR insufficient_privilege THEN
    RAISE NOTICE 'pg_trgm is not there: parts of names are searched for without an index';
END
$do$;

-- How many runs have a certain beginning is known from now on.
ANALYZE flow_run;
ANALYZE task_run;
