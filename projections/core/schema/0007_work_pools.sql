-- Work pools, the queues in them, and who was seen at work there.

CREATE TABLE work_pool (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    name text NOT NULL,
    description text,
    type text NOT NULL,
    base_job_template jsonb NOT NULL,
    is_paused boolean NOT NULL,
    default_queue_id uuid NOT NULL,
    concurrency_limit integer,
    storage_configuration jsonb NOT NULL
);
CREATE INDEX work_pool_name ON work_pool USING hash (name);

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

-- These two follow from OBSERVED, which forgets: a worker's last heartbeat, and when somebody last asked for the runs of a
-- queue or of a deployment (its id is theirs).
CREATE TABLE worker (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    work_pool_id uuid NOT NULL,
    name text NOT NULL,
    last_heartbeat_time timestamptz NOT NULL,
    heartbeat_interval_seconds integer
);
CREATE INDEX worker_pool ON worker (work_pool_id, last_heartbeat_time);

CREATE TABLE poll (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    polled timestamptz NOT NULL
);

ALTER TABLE deployment ADD COLUMN work_pool_id uuid;
CREATE INDEX deployment_work_queue ON deployment (work_queue_id) WHERE work_queue_id IS NOT NULL;

-- What waits in a queue, in its order, and what takes a place of it; and all that was ever in it.
CREATE INDEX flow_run_waiting_in_queue ON flow_run (work_queue_id, next_scheduled_start_time)
    WHERE work_queue_id IS NOT NULL AND state_type = 'SCHEDULED';
CREATE INDEX flow_run_active_in_queue ON flow_run (work_queue_id)
    WHERE work_queue_id IS NOT NULL AND state_type IN ('PENDING', 'RUNNING', 'CANCELLING');
CREATE INDEX flow_run_work_queue ON flow_run (work_queue_id) WHERE work_queue_id IS NOT NULL;
