-- Rows from the stream OBSERVED. It deletes old messages, so these rows cannot be rebuilt. All schemas share them.

CREATE TABLE observed.log (
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
CREATE INDEX log_flow_run ON observed.log (flow_run_id, timestamp);
CREATE INDEX log_task_run ON observed.log (task_run_id, timestamp) WHERE task_run_id IS NOT NULL;
CREATE INDEX log_timestamp ON observed.log (timestamp);

-- The last heartbeat of each worker.
CREATE TABLE observed.worker (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    work_pool_id uuid NOT NULL,
    name text NOT NULL,
    last_heartbeat_time timestamptz NOT NULL,
    heartbeat_interval_seconds integer
);
CREATE INDEX worker_pool ON observed.worker (work_pool_id, last_heartbeat_time);

-- The last poll of each queue and deployment, by its id.
CREATE TABLE observed.poll (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    polled timestamptz NOT NULL
);

-- Events of clients and the reactor, for their retention period (docs/adr/0011).
CREATE TABLE observed.event (
    id uuid PRIMARY KEY,
    occurred timestamptz NOT NULL,
    received timestamptz NOT NULL,
    event text NOT NULL,
    resource_id text NOT NULL,
    resource jsonb NOT NULL,
    related jsonb NOT NULL,
    payload jsonb NOT NULL,
    follows uuid,
    -- The ids of the resource and of the related resources.
    resource_ids text[] NOT NULL
);
CREATE INDEX event_occurred ON observed.event (occurred);
CREATE INDEX event_resources ON observed.event USING gin (resource_ids);
