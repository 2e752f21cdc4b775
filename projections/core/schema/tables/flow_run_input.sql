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
