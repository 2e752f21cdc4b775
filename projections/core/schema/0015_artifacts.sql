-- Artifacts, and the latest of each key (docs/adr/0027).

CREATE TABLE artifact (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    key text,
    type text,
    description text,
    -- JSON as it came, keys in their order; absent stands for null.
    data text,
    metadata_ text,
    flow_run_id uuid,
    task_run_id uuid,
    -- Of the event that created it: the latest of a key is the one behind all others in the log.
    position bigint NOT NULL
);
-- Hash indexes take texts of any length.
CREATE INDEX artifact_key ON artifact USING hash (key) WHERE key IS NOT NULL;
CREATE INDEX artifact_flow_run ON artifact (flow_run_id) WHERE flow_run_id IS NOT NULL;
CREATE INDEX artifact_task_run ON artifact (task_run_id) WHERE task_run_id IS NOT NULL;

-- What is not here is told by the artifact that is the latest.
CREATE TABLE artifact_collection (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    key text NOT NULL,
    latest_id uuid NOT NULL,
    type text,
    flow_run_id uuid,
    task_run_id uuid
);
CREATE INDEX artifact_collection_latest ON artifact_collection (latest_id);
CREATE INDEX artifact_collection_key ON artifact_collection USING hash (key);
