-- There are no foreign keys: the log defines the relations, and rows may arrive in any order.
-- Columns that a transition changes are in few indexes, so that most updates stay on their page.
CREATE TABLE flow_run (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    name text NOT NULL,
    flow_id uuid NOT NULL,
    deployment_id uuid,
    deployment_version text,
    work_queue_id uuid,
    work_queue_name text,
    flow_version text,
    idempotency_key text,
    parent_task_run_id uuid,
    infrastructure_document_id uuid,
    infrastructure_pid text,
    auto_scheduled boolean NOT NULL,
    tags text[] NOT NULL,
    labels json NOT NULL,
    parameters json NOT NULL,
    context json NOT NULL,
    job_variables json,
    created_by json,
    empirical_policy json NOT NULL,
    state_id uuid,
    state_type text,
    state_name text,
    state_timestamp timestamptz,
    state json,
    run_count bigint NOT NULL DEFAULT 0,
    start_time timestamptz,
    end_time timestamptz,
    expected_start_time timestamptz,
    next_scheduled_start_time timestamptz,
    total_run_time double precision NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
-- A text may be too long for a B-tree index: its first 500 characters are indexed.
CREATE INDEX flow_run_named ON flow_run (left(name, 500));
CREATE INDEX flow_run_version ON flow_run (left(flow_version, 500));
CREATE INDEX flow_run_queue_name ON flow_run (left(work_queue_name, 500));
CREATE INDEX flow_run_idempotency_key ON flow_run USING hash (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX flow_run_parent ON flow_run (parent_task_run_id) WHERE parent_task_run_id IS NOT NULL;

-- An index-only scan counts the runs of a flow or a deployment in a window of time.
CREATE INDEX flow_run_flow ON flow_run (flow_id, expected_start_time);
CREATE INDEX flow_run_deployment ON flow_run (deployment_id, expected_start_time) WHERE deployment_id IS NOT NULL;

CREATE INDEX flow_run_expected_start ON flow_run (expected_start_time);
-- The effective start: most pages are sorted and filtered by it.
CREATE INDEX flow_run_effective_start ON flow_run ((coalesce(start_time, expected_start_time)));
CREATE INDEX flow_run_end ON flow_run (end_time);
CREATE INDEX flow_run_next_scheduled ON flow_run (next_scheduled_start_time) WHERE next_scheduled_start_time IS NOT NULL;

-- The index has the order of a page of the latest runs in a state type.
CREATE INDEX flow_run_state_type ON flow_run (state_type, id);
-- Runs whose state has an unusual name (projections/filters/special.py), above all late ones.
CREATE INDEX flow_run_unusual_state ON flow_run (left(state_name, 500), expected_start_time) WHERE left(state_name, 500)
    <> ALL ('{Scheduled,Pending,Running,Completed,Failed,Cancelled,Crashed}');
-- PostgreSQL collects no statistics for the expression of a partial index.
CREATE STATISTICS flow_run_state_names ON (left(state_name, 500)) FROM flow_run;

-- The runs whose lateness increases with time.
CREATE INDEX flow_run_waiting ON flow_run (expected_start_time) INCLUDE (state_type, state_name)
    WHERE start_time IS NULL AND state_type NOT IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED');

-- The runs that wait in a queue in their order, the runs that hold a slot of it, and all runs of it.
CREATE INDEX flow_run_waiting_in_queue ON flow_run (work_queue_id, next_scheduled_start_time)
    WHERE work_queue_id IS NOT NULL AND state_type = 'SCHEDULED';
CREATE INDEX flow_run_active_in_queue ON flow_run (work_queue_id)
    WHERE work_queue_id IS NOT NULL AND state_type IN ('PENDING', 'RUNNING', 'CANCELLING');
CREATE INDEX flow_run_work_queue ON flow_run (work_queue_id) WHERE work_queue_id IS NOT NULL;
