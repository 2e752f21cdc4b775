CREATE TABLE task_run_state (
    id uuid PRIMARY KEY,
    task_run_id uuid NOT NULL,
    timestamp timestamptz NOT NULL,
    state json NOT NULL
);
CREATE INDEX task_run_state_run ON task_run_state (task_run_id, timestamp);
