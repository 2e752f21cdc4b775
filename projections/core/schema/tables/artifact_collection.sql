-- The latest artifact of each key (docs/adr/0015); its other columns are in `artifact`.
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
