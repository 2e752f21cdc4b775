CREATE TABLE work_queue (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    work_pool_id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    is_paused boolean NOT NULL,
    concurrency_limit integer,
    priority integer NOT NULL,
    filter jsonb,
    last_polled timestamptz,
    status text
);
CREATE INDEX work_queue_pool ON work_queue (work_pool_id, priority);
CREATE INDEX work_queue_name ON work_queue USING hash (name);
