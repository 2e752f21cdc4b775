CREATE TABLE flow_run_state (
    id uuid PRIMARY KEY,
    flow_run_id uuid NOT NULL,
    timestamp timestamptz NOT NULL,
    state json NOT NULL
);
CREATE INDEX flow_run_state_run ON flow_run_state (flow_run_id, timestamp);
