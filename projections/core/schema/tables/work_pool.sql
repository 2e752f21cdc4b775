CREATE TABLE work_pool (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    name text NOT NULL,
    description text,
    type text NOT NULL,
    base_job_template json NOT NULL,
    is_paused boolean NOT NULL,
    default_queue_id uuid NOT NULL,
    concurrency_limit integer,
    storage_configuration json NOT NULL
);
CREATE INDEX work_pool_name ON work_pool USING hash (name);
