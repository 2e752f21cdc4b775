-- The names of flow runs in lower case. A search for a part of a name reads a hundred names from a page of this table,
-- and hardly more than one from a page of flow_run. Insertions and renames write it, transitions do not.
CREATE TABLE flow_run_name (
    id uuid PRIMARY KEY,
    lower_name text NOT NULL
);

CREATE FUNCTION name_flow_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO flow_run_name SELECT id, lower(name) FROM new_rows;
    RETURN NULL;
END
$$;

CREATE FUNCTION rename_flow_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE flow_run_name SET lower_name = lower(NEW.name) WHERE id = NEW.id;
    RETURN NULL;
END
$$;

CREATE FUNCTION unname_flow_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM flow_run_name USING old_rows WHERE flow_run_name.id = old_rows.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER flow_run_named AFTER INSERT ON flow_run
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION name_flow_runs();
CREATE TRIGGER flow_run_renamed AFTER UPDATE OF name ON flow_run
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION rename_flow_run();
CREATE TRIGGER flow_run_unnamed AFTER DELETE ON flow_run
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION unname_flow_runs();

-- Finds a rare part of a name. Without the extension pg_trgm, a search reads all names. Every search reads the list of
-- pending entries, so the list is short.
DO $do$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA observed;
    EXECUTE format(
        'CREATE INDEX flow_run_name_parts ON flow_run_name USING gin (lower_name %s.gin_trgm_ops)'
        ' WITH (gin_pending_list_limit = 256)',
        (SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'pg_trgm')
    );
EXCEPTION WHEN feature_not_supported OR undefined_file OR insufficient_privilege THEN
    RAISE NOTICE 'pg_trgm is missing: searches for a part of a name use no index';
END
$do$;
