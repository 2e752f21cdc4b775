CREATE TABLE task_run (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    name text NOT NULL,
    flow_run_id uuid,
    -- The flow run does not exist yet: the task run is hidden until then.
    awaits_flow_run boolean NOT NULL,
    task_key text NOT NULL,
    dynamic_key text NOT NULL,
    cache_key text,
    cache_expiration timestamptz,
    task_version text,
    empirical_policy json NOT NULL,
    tags text[] NOT NULL,
    labels json,
    task_inputs json NOT NULL,
    state_id uuid,
    state_type text,
    state_name text,
    state_timestamp timestamptz,
    state json,
    run_count bigint NOT NULL DEFAULT 0,
    flow_run_run_count bigint NOT NULL DEFAULT 0,
    start_time timestamptz,
    end_time timestamptz,
    expected_start_time timestamptz,
    next_scheduled_start_time timestamptz,
    total_run_time double precision NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE INDEX task_run_named ON task_run (left(name, 500));
CREATE INDEX task_run_flow_run ON task_run (flow_run_id);
CREATE INDEX task_run_awaiting ON task_run (flow_run_id) WHERE awaits_flow_run;
CREATE INDEX task_run_expected_start ON task_run (expected_start_time);
CREATE INDEX task_run_end ON task_run (end_time);

-- The same indexes as on flow runs.
CREATE INDEX task_run_state_type ON task_run (state_type, id);
CREATE INDEX task_run_unusual_state ON task_run (left(state_name, 500), expected_start_time) WHERE left(state_name, 500)
    <> ALL ('{Scheduled,Pending,Running,Completed,Failed,Cancelled,Crashed}');
CREATE STATISTICS task_run_state_names ON (left(state_name, 500)) FROM task_run;
CREATE INDEX task_run_waiting ON task_run (expected_start_time)
    WHERE start_time IS NULL AND state_type NOT IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED');
