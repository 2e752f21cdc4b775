CREATE TABLE artifact (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    key text,
    type text,
    description text,
    -- JSON text as it was sent, with the order of its keys; NULL stands for a JSON null.
    data text,
    metadata_ text,
    flow_run_id uuid,
    task_run_id uuid,
    -- The position of the creating event: the latest artifact of a key has the greatest position.
    position bigint NOT NULL
);
CREATE INDEX artifact_key ON artifact USING hash (key) WHERE key IS NOT NULL;
CREATE INDEX artifact_flow_run ON artifact (flow_run_id) WHERE flow_run_id IS NOT NULL;
CREATE INDEX artifact_task_run ON artifact (task_run_id) WHERE task_run_id IS NOT NULL;
