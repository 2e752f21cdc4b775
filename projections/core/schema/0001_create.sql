-- The read models, version 1. Everything here can be dropped and built again from the log.
-- There are no foreign keys: the log decides what belongs to what, and late arrivals are legal.

CREATE TABLE checkpoint (
    name text PRIMARY KEY,
    position bigint NOT NULL
);

-- Aggregates with an event that could not be read: their later events wait behind it (docs/adr/0006).
CREATE TABLE parked_aggregate (
    subject text PRIMARY KEY,
    position bigint NOT NULL
);

CREATE TABLE flow (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    name text NOT NULL,
    tags text[] NOT NULL,
    labels jsonb
);
-- Hash indexes take texts of any length.
CREATE INDEX flow_name ON flow USING hash (name);

-- Columns that a transition changes are kept out of most indexes, so that most updates stay on their page.
CREATE TABLE flow_run (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    name text NOT NULL,
    flow_id uuid NOT NULL,
    deployment_id uuid,
    deployment_version text,
    work_queue_id uuid,
    work_queue_name text,
    flow_version text,
    idempotency_key text,
    parent_task_run_id uuid,
    infrastructure_document_id uuid,
    infrastructure_pid text,
    auto_scheduled boolean NOT NULL,
    tags text[] NOT NULL,
    labels jsonb NOT NULL,
    parameters jsonb NOT NULL,
    context jsonb NOT NULL,
    job_variables jsonb,
    created_by jsonb,
    empirical_policy jsonb NOT NULL,
    state_id uuid,
    state_type text,
    state_name text,
    state_timestamp timestamptz,
    state jsonb,
    run_count integer NOT NULL DEFAULT 0,
    start_time timestamptz,
    end_time timestamptz,
    expected_start_time timestamptz,
    next_scheduled_start_time timestamptz,
    total_run_time double precision NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE INDEX flow_run_flow ON flow_run (flow_id);
CREATE INDEX flow_run_deployment ON flow_run (deployment_id) WHERE deployment_id IS NOT NULL;
CREATE INDEX flow_run_parent ON flow_run (parent_task_run_id) WHERE parent_task_run_id IS NOT NULL;
CREATE INDEX flow_run_idempotency_key ON flow_run USING hash (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX flow_run_expected_start ON flow_run (expected_start_time);
CREATE INDEX flow_run_next_scheduled ON flow_run (next_scheduled_start_time) WHERE next_scheduled_start_time IS NOT NULL;
CREATE INDEX flow_run_state_type ON flow_run (state_type);
CREATE INDEX flow_run_tags ON flow_run USING gin (tags) WHERE tags <> '{}';

CREATE TABLE flow_run_state (
    id uuid PRIMARY KEY,
    flow_run_id uuid NOT NULL,
    timestamp timestamptz NOT NULL,
    state jsonb NOT NULL
);
CREATE INDEX flow_run_state_run ON flow_run_state (flow_run_id, timestamp);

CREATE TABLE task_run (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    name text NOT NULL,
    flow_run_id uuid,
    -- Its flow run has not appeared yet: it is kept, and shown when it does.
    awaits_flow_run boolean NOT NULL,
    task_key text NOT NULL,
    dynamic_key text NOT NULL,
    cache_key text,
    cache_expiration timestamptz,
    task_version text,
    empirical_policy jsonb NOT NULL,
    tags text[] NOT NULL,
    labels jsonb,
    task_inputs jsonb NOT NULL,
    state_id uuid,
    state_type text,
    state_name text,
    state_timestamp timestamptz,
    state jsonb,
    run_count integer NOT NULL DEFAULT 0,
    flow_run_run_count integer NOT NULL DEFAULT 0,
    start_time timestamptz,
    end_time timestamptz,
    expected_start_time timestamptz,
    next_scheduled_start_time timestamptz,
    total_run_time double precision NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE INDEX task_run_flow_run ON task_run (flow_run_id);
CREATE INDEX task_run_awaiting ON task_run (flow_run_id) WHERE awaits_flow_run;
CREATE INDEX task_run_expected_start ON task_run (expected_start_time);
CREATE INDEX task_run_state_type ON task_run (state_type);
CREATE INDEX task_run_tags ON task_run USING gin (tags) WHERE tags <> '{}';

CREATE TABLE task_run_state (
    id uuid PRIMARY KEY,
    task_run_id uuid NOT NULL,
    timestamp timestamptz NOT NULL,
    state jsonb NOT NULL
);
CREATE INDEX task_run_state_run ON task_run_state (task_run_id, timestamp);

CREATE TABLE flow_run_input (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    flow_run_id uuid NOT NULL,
    key text NOT NULL,
    value text NOT NULL,
    sender text
);
CREATE INDEX flow_run_input_run ON flow_run_input (flow_run_id);

CREATE TABLE log (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    name text NOT NULL,
    level integer NOT NULL,
    message text NOT NULL,
    timestamp timestamptz NOT NULL,
    flow_run_id uuid,
    task_run_id uuid
);
CREATE INDEX log_flow_run ON log (flow_run_id, timestamp);
CREATE INDEX log_task_run ON log (task_run_id, timestamp) WHERE task_run_id IS NOT NULL;
CREATE INDEX log_timestamp ON log (timestamp);
