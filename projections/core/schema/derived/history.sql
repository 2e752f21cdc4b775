-- Keyframes: the positions as of which the rows can be read without projecting events (docs/adr/0009). `since` is the last
-- keyframe when a version of a row was written. When such a version changes and a keyframe sees it, it goes to the table
-- `<table>_kept`, with `until`, the last keyframe that sees it. A keyframe k sees since < k, and until >= k where there is one.

CREATE TABLE keyframe (
    position bigint PRIMARY KEY,
    -- The time of its event.
    recorded_at timestamptz NOT NULL
);

-- The writer's session has the last keyframe as a setting: without it nothing can be written (projections/as_of/keyframes.py).
-- `since` is in no index, so that updates stay on their page.
DO $do$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY[
        'flow', 'deployment', 'flow_run', 'flow_run_state', 'task_run', 'task_run_state', 'flow_run_input', 'variable',
        'artifact', 'artifact_collection', 'concurrency_limit', 'concurrency_lease', 'work_pool', 'work_queue',
        'parked_aggregate'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN since bigint NOT NULL DEFAULT 0', kept);
        EXECUTE format(
            'ALTER TABLE %I ALTER COLUMN since SET DEFAULT current_setting(''antiphon.keyframe'')::bigint', kept
        );
        -- Both tables have the same columns in the same order.
        EXECUTE format('CREATE TABLE %I (until bigint NOT NULL, LIKE %I)', kept || '_kept', kept);
        EXECUTE format(
            $function$
            CREATE FUNCTION %I() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO %I VALUES (current_setting('antiphon.keyframe')::bigint, OLD.*);
                IF TG_OP = 'DELETE' THEN
                    RETURN OLD;
                END IF;
                NEW.since := current_setting('antiphon.keyframe')::bigint;
                RETURN NEW;
            END
            $$
            $function$,
            'keep_' || kept, kept || '_kept'
        );
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW'
            ' WHEN (OLD.since < current_setting(''antiphon.keyframe'')::bigint) EXECUTE FUNCTION %I()',
            kept || '_keeps', kept, 'keep_' || kept
        );
    END LOOP;
END
$do$;

-- For the conditions of projections/as_of/touched.py.
CREATE INDEX flow_kept_id ON flow_kept (id);
CREATE INDEX deployment_kept_id ON deployment_kept (id);
CREATE INDEX deployment_kept_flow ON deployment_kept (flow_id);
CREATE INDEX flow_run_kept_id ON flow_run_kept (id);
CREATE INDEX flow_run_kept_flow ON flow_run_kept (flow_id);
CREATE INDEX flow_run_kept_parent ON flow_run_kept (parent_task_run_id) WHERE parent_task_run_id IS NOT NULL;
CREATE INDEX flow_run_state_kept_id ON flow_run_state_kept (id);
CREATE INDEX flow_run_state_kept_run ON flow_run_state_kept (flow_run_id);
CREATE INDEX task_run_kept_id ON task_run_kept (id);
CREATE INDEX task_run_kept_flow_run ON task_run_kept (flow_run_id);
CREATE INDEX task_run_state_kept_id ON task_run_state_kept (id);
CREATE INDEX task_run_state_kept_run ON task_run_state_kept (task_run_id);
CREATE INDEX flow_run_input_kept_id ON flow_run_input_kept (id);
CREATE INDEX flow_run_input_kept_run ON flow_run_input_kept (flow_run_id);
CREATE INDEX variable_kept_id ON variable_kept (id);
CREATE INDEX artifact_kept_id ON artifact_kept (id);
CREATE INDEX artifact_kept_key ON artifact_kept USING hash (key) WHERE key IS NOT NULL;
CREATE INDEX artifact_collection_kept_id ON artifact_collection_kept (id);
CREATE INDEX artifact_collection_kept_latest ON artifact_collection_kept (latest_id);
CREATE INDEX concurrency_limit_kept_id ON concurrency_limit_kept (id);
CREATE INDEX concurrency_lease_kept_id ON concurrency_lease_kept (id);
CREATE INDEX concurrency_lease_kept_limits ON concurrency_lease_kept USING gin (limit_ids);
CREATE INDEX work_pool_kept_id ON work_pool_kept (id);
CREATE INDEX work_queue_kept_id ON work_queue_kept (id);
CREATE INDEX work_queue_kept_pool ON work_queue_kept (work_pool_id);
CREATE INDEX parked_aggregate_kept_subject ON parked_aggregate_kept (subject);
