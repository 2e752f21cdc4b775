CREATE TABLE deployment (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    name text NOT NULL,
    flow_id uuid NOT NULL,
    version text,
    description text,
    paused boolean NOT NULL,
    concurrency_limit_id uuid,
    concurrency_options json,
    job_variables json NOT NULL,
    parameters json NOT NULL,
    tags text[] NOT NULL,
    labels json NOT NULL,
    work_queue_name text,
    work_queue_id uuid,
    last_polled timestamptz,
    parameter_openapi_schema json,
    path text,
    pull_steps json,
    entrypoint text,
    enforce_parameter_schema boolean NOT NULL,
    status text NOT NULL,
    work_pool_id uuid
);
CREATE INDEX deployment_flow ON deployment (flow_id);
CREATE INDEX deployment_name ON deployment USING hash (name);
CREATE INDEX deployment_work_queue ON deployment (work_queue_id) WHERE work_queue_id IS NOT NULL;
