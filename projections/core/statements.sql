-- The changes other than the insertion and the transition of a row. Each is one statement with named parameters.
-- projections/as_of/touched.py declares the rows that a statement reads and changes.

-- name: show_task_runs
-- After the insertion of flow runs: show the task runs that waited for them.
UPDATE task_run SET awaits_flow_run = false WHERE awaits_flow_run AND flow_run_id = ANY (%(ids)s)

-- name: update_flow_run
-- Only the fields in `changes` are set; labels are merged.
UPDATE flow_run SET
    updated = %(at)s,
    name = CASE WHEN c -> 'name' IS NOT NULL THEN c ->> 'name' ELSE name END,
    flow_version = CASE WHEN c -> 'flow_version' IS NOT NULL THEN c ->> 'flow_version' ELSE flow_version END,
    parameters = CASE WHEN c -> 'parameters' IS NOT NULL THEN c -> 'parameters' ELSE parameters END,
    empirical_policy = CASE WHEN c -> 'empirical_policy' IS NOT NULL THEN c -> 'empirical_policy' ELSE empirical_policy END,
    tags = CASE WHEN c -> 'tags' IS NOT NULL THEN ARRAY(SELECT json_array_elements_text(c -> 'tags')) ELSE tags END,
    labels = CASE WHEN c -> 'labels' IS NOT NULL THEN (
        SELECT coalesce(json_object_agg(key, value), '{}') FROM (
            SELECT * FROM json_each(labels) AS kept WHERE c -> 'labels' -> kept.key IS NULL
            UNION ALL SELECT * FROM json_each(c -> 'labels')
        ) AS merged
    ) ELSE labels END,
    infrastructure_pid = CASE WHEN c -> 'infrastructure_pid' IS NOT NULL THEN c ->> 'infrastructure_pid' ELSE infrastructure_pid END,
    job_variables = CASE WHEN c -> 'job_variables' IS NOT NULL THEN c -> 'job_variables' ELSE job_variables END
FROM (SELECT %(changes)s::json AS c) AS given
WHERE id = %(id)s

-- name: mark_flow_run
UPDATE flow_run SET empirical_policy = %(policy)s WHERE id = %(id)s

-- name: delete_flow_runs
-- Delete the runs and all rows that belong to them; their subflows stay, without a parent. On a replay, `at` keeps the
-- log lines of a later run with the same id.
WITH gone AS (DELETE FROM flow_run WHERE id = ANY (%(ids)s) RETURNING id),
    gone_tasks AS (DELETE FROM task_run WHERE flow_run_id = ANY (%(ids)s) RETURNING id),
    orphans AS (
        UPDATE flow_run SET parent_task_run_id = NULL
        WHERE parent_task_run_id IN (SELECT id FROM task_run WHERE flow_run_id = ANY (%(ids)s)) AND id <> ALL (%(ids)s)
    ),
    task_states AS (DELETE FROM task_run_state WHERE task_run_id IN (SELECT id FROM gone_tasks)),
    states AS (DELETE FROM flow_run_state WHERE flow_run_id = ANY (%(ids)s)),
    inputs AS (DELETE FROM flow_run_input WHERE flow_run_id = ANY (%(ids)s))
DELETE FROM log WHERE flow_run_id = ANY (%(ids)s) AND created <= %(at)s

-- name: rename_task_run
UPDATE task_run SET name = %(name)s, updated = %(at)s WHERE id = %(id)s

-- name: delete_task_runs
WITH gone AS (DELETE FROM task_run WHERE id = ANY (%(ids)s)),
    orphans AS (UPDATE flow_run SET parent_task_run_id = NULL WHERE parent_task_run_id = ANY (%(ids)s)),
    states AS (DELETE FROM task_run_state WHERE task_run_id = ANY (%(ids)s))
DELETE FROM log WHERE task_run_id = ANY (%(ids)s) AND created <= %(at)s

-- name: update_flow
UPDATE flow SET
    updated = %(at)s,
    tags = CASE WHEN c -> 'tags' IS NOT NULL THEN ARRAY(SELECT json_array_elements_text(c -> 'tags')) ELSE tags END,
    labels = CASE WHEN c -> 'labels' IS NOT NULL THEN c -> 'labels' ELSE labels END
FROM (SELECT %(changes)s::json AS c) AS given
WHERE id = %(id)s

-- name: delete_flow
-- Delete the row, its runs and all rows that belong to these.
WITH runs AS (SELECT id FROM flow_run WHERE flow_id = %(id)s),
    tasks AS (SELECT id FROM task_run WHERE flow_run_id IN (SELECT id FROM runs)),
    gone_runs AS (DELETE FROM flow_run WHERE id IN (SELECT id FROM runs)),
    gone_tasks AS (DELETE FROM task_run WHERE id IN (SELECT id FROM tasks)),
    orphans AS (
        UPDATE flow_run SET parent_task_run_id = NULL
        WHERE parent_task_run_id IN (SELECT id FROM tasks) AND flow_id <> %(id)s
    ),
    task_states AS (DELETE FROM task_run_state WHERE task_run_id IN (SELECT id FROM tasks)),
    states AS (DELETE FROM flow_run_state WHERE flow_run_id IN (SELECT id FROM runs)),
    inputs AS (DELETE FROM flow_run_input WHERE flow_run_id IN (SELECT id FROM runs)),
    logs AS (DELETE FROM log WHERE flow_run_id IN (SELECT id FROM runs) AND created <= %(at)s),
    deployments AS (DELETE FROM deployment WHERE flow_id = %(id)s)
DELETE FROM flow WHERE id = %(id)s

-- name: update_variable
UPDATE variable SET
    updated = %(at)s,
    name = CASE WHEN c -> 'name' IS NOT NULL THEN c ->> 'name' ELSE name END,
    value = CASE WHEN c -> 'value' IS NOT NULL THEN c -> 'value' ELSE value END,
    tags = CASE WHEN c -> 'tags' IS NOT NULL THEN ARRAY(SELECT json_array_elements_text(c -> 'tags')) ELSE tags END
FROM (SELECT %(changes)s::json AS c) AS given
WHERE id = %(id)s

-- name: delete_variable
DELETE FROM variable WHERE id = %(id)s

-- name: update_artifact
WITH latest AS (UPDATE artifact_collection SET updated = %(at)s WHERE latest_id = %(id)s)
UPDATE artifact SET
    updated = %(at)s,
    description = CASE WHEN c -> 'description' IS NOT NULL THEN c ->> 'description' ELSE description END,
    data = CASE WHEN c -> 'data' IS NOT NULL THEN c ->> 'data' ELSE data END,
    metadata_ = CASE WHEN c -> 'metadata_' IS NOT NULL THEN c ->> 'metadata_' ELSE metadata_ END
FROM (SELECT %(changes)s::json AS c) AS given
WHERE id = %(id)s

-- name: delete_artifact
-- If the artifact was the latest of its key, the previous artifact becomes it; without one, the collection goes.
WITH gone AS (DELETE FROM artifact WHERE id = %(id)s),
    next AS (
        SELECT * FROM artifact WHERE key = (SELECT key FROM artifact WHERE id = %(id)s) AND id <> %(id)s
        ORDER BY position DESC LIMIT 1
    ),
    replaced AS (
        UPDATE artifact_collection AS c SET
            latest_id = next.id, created = next.created, updated = next.updated,
            type = next.type, flow_run_id = next.flow_run_id, task_run_id = next.task_run_id
        FROM next WHERE c.latest_id = %(id)s
    )
DELETE FROM artifact_collection WHERE latest_id = %(id)s AND NOT EXISTS (SELECT FROM next)

-- name: show_newest_artifacts
-- After the late insertion of artifacts: their collections show the artifact with the last position again.
UPDATE artifact_collection AS c SET
    latest_id = a.id, created = (SELECT min(created) FROM artifact WHERE key = c.key), updated = a.updated,
    type = a.type, flow_run_id = a.flow_run_id, task_run_id = a.task_run_id
FROM artifact AS a
WHERE c.id = ANY (%(ids)s) AND a.id = (SELECT id FROM artifact WHERE key = c.key ORDER BY position DESC LIMIT 1)

-- name: update_deployment
-- Fields that are not in `changes` keep their values.
UPDATE deployment AS d SET (
    updated, name, version, description, paused, concurrency_limit_id, concurrency_options, job_variables,
    parameters, tags, labels, work_queue_name, work_queue_id, work_pool_id, last_polled, parameter_openapi_schema, path,
    pull_steps, entrypoint, enforce_parameter_schema, status
) = (
    SELECT %(at)s,
    r.name, r.version, r.description, r.paused, r.concurrency_limit_id, r.concurrency_options,
    r.job_variables, r.parameters, r.tags, r.labels, r.work_queue_name, r.work_queue_id, r.work_pool_id, r.last_polled,
    r.parameter_openapi_schema, r.path, r.pull_steps, r.entrypoint, r.enforce_parameter_schema, r.status
    FROM json_populate_record(d, %(changes)s::json) AS r
)
WHERE id = %(id)s

-- name: delete_deployment
-- The runs of the deployment stay, with its id.
DELETE FROM deployment WHERE id = %(id)s

-- name: update_work_pool
UPDATE work_pool AS p SET (
    updated, description, type, base_job_template, is_paused, concurrency_limit, storage_configuration
) = (
    SELECT %(at)s, r.description, r.type, r.base_job_template, r.is_paused, r.concurrency_limit, r.storage_configuration
    FROM json_populate_record(p, %(changes)s::json) AS r
)
WHERE id = %(id)s

-- name: delete_work_pool
-- The runs and deployments of its queues stay, and are shown without a queue.
WITH queues AS (DELETE FROM work_queue WHERE work_pool_id = %(id)s)
DELETE FROM work_pool WHERE id = %(id)s

-- name: update_work_queue
UPDATE work_queue AS q SET (
    updated, name, description, is_paused, concurrency_limit, priority, filter, last_polled, status
) = (
    SELECT %(at)s,
    r.name, r.description, r.is_paused, r.concurrency_limit, r.priority, r.filter, r.last_polled, r.status
    FROM json_populate_record(q, %(changes)s::json) AS r
)
WHERE id = %(id)s

-- name: delete_work_queue
DELETE FROM work_queue WHERE id = %(id)s

-- name: heartbeat
-- The latest time wins, as the clocks of gateways differ; a heartbeat without an interval keeps the previous one.
INSERT INTO worker AS w (id, created, updated, work_pool_id, name, last_heartbeat_time, heartbeat_interval_seconds)
VALUES (%(id)s, %(at)s, %(at)s, %(pool)s, %(name)s, %(at)s, %(interval)s)
ON CONFLICT (id) DO UPDATE SET
    updated = excluded.updated,
    last_heartbeat_time = greatest(w.last_heartbeat_time, excluded.last_heartbeat_time),
    heartbeat_interval_seconds = coalesce(excluded.heartbeat_interval_seconds, w.heartbeat_interval_seconds)

-- name: delete_worker
DELETE FROM worker WHERE id = %(id)s

-- name: update_flow_run_input
UPDATE flow_run_input SET
    updated = %(at)s,
    value = CASE WHEN c -> 'value' IS NOT NULL THEN c ->> 'value' ELSE value END,
    sender = CASE WHEN c -> 'sender' IS NOT NULL THEN c ->> 'sender' ELSE sender END
FROM (SELECT %(changes)s::json AS c) AS given
WHERE id = %(id)s

-- name: delete_flow_run_input
DELETE FROM flow_run_input WHERE id = %(id)s

-- name: delete_limit
WITH leases AS (UPDATE concurrency_lease SET limit_ids = array_remove(limit_ids, %(id)s) WHERE limit_ids @> ARRAY[%(id)s])
DELETE FROM concurrency_limit WHERE id = %(id)s

-- name: forget_leases
-- The leases last until their release or expiry, but hold no slots of this limit.
UPDATE concurrency_lease SET limit_ids = array_remove(limit_ids, %(id)s) WHERE limit_ids @> ARRAY[%(id)s]

-- name: delete_lease
DELETE FROM concurrency_lease WHERE id = %(id)s

-- name: advance
-- The checkpoint only moves forward.
INSERT INTO checkpoint AS c (name, position) VALUES (%(name)s, %(position)s)
ON CONFLICT (name) DO UPDATE SET position = excluded.position WHERE c.position < excluded.position

-- name: declare_keyframe
INSERT INTO keyframe (position, recorded_at) VALUES (%(position)s, %(recorded_at)s)

-- name: park
INSERT INTO parked_aggregate (subject, position, recorded_at, reason, error)
VALUES (%(subject)s, %(position)s, %(recorded_at)s, %(reason)s, %(error)s) ON CONFLICT (subject) DO NOTHING

-- name: wait
UPDATE parked_aggregate SET waiting = waiting + 1 WHERE subject = %(subject)s

-- name: heal
-- The same transaction projects the parked event and those that waited behind it.
DELETE FROM parked_aggregate WHERE subject = %(subject)s

-- name: archive
-- The messages of one month in their stored form. One value holds the texts of all messages, each followed by its hash:
-- splitting this value here takes a third of the time of passing arrays of texts.
INSERT INTO archive.event (position, month, recorded_at, subject, headers, data, hash)
SELECT
    t.position,
    %(month)s,
    timestamptz 'epoch' + t.microseconds * interval '1 microsecond',
    convert_from(substring(all_of.bytes, t.start, t.subject), 'UTF8'),
    substring(all_of.bytes, t.start + t.subject, t.headers),
    substring(all_of.bytes, t.start + t.subject + t.headers, t.data),
    substring(all_of.bytes, t.start + t.subject + t.headers + t.data, 32)
FROM (SELECT %(bytes)s::bytea AS bytes) AS all_of,
    unnest(
        %(positions)s::bigint[], %(microseconds)s::bigint[], %(starts)s::integer[], %(subjects)s::integer[],
        %(headers)s::integer[], %(data)s::integer[]
    ) AS t(position, microseconds, start, subject, headers, data)

-- name: chain
INSERT INTO archive.chain (month, genesis, first_position, position, hash)
VALUES (%(month)s, %(genesis)s, %(first)s, %(position)s, %(hash)s)
ON CONFLICT (month) DO UPDATE SET position = excluded.position, hash = excluded.hash

-- name: forget_row
DELETE FROM archive.event WHERE position = %(position)s

-- name: archive_row
INSERT INTO archive.event (position, month, recorded_at, subject, headers, data, hash)
VALUES (%(position)s, %(month)s, %(recorded_at)s, %(subject)s, %(headers)s, %(data)s, %(hash)s)

-- name: forget_later_months
-- The archive has lost its rows after a position.
DELETE FROM archive.chain WHERE first_position > %(position)s

-- name: shorten_chain
UPDATE archive.chain SET position = e.position, hash = e.hash
FROM archive.event AS e WHERE e.month = chain.month AND e.position = %(position)s
