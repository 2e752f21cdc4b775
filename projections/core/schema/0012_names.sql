-- The names of flow runs in lower case, apart from all else: who looks for a part of a name reads a hundred names from
-- one page, where flow_run has hardly more than one run on it. Written when a run appears, not when it moves.

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

-- What is there already.
INSERT INTO flow_run_name SELECT id, lower(name) FROM flow_run ORDER BY id;

CREATE TRIGGER flow_run_named AFTER INSERT ON flow_run
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION name_flow_runs();
CREATE TRIGGER flow_run_renamed AFTER UPDATE OF name ON flow_run
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION rename_flow_run();
CREATE TRIGGER flow_run_unnamed AFTER DELETE ON flow_run
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION unname_flow_runs();
