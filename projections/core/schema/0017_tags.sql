-- The tags of runs, apart from all else, in the order of ids: the latest runs with a tag are found without reading all that have
-- it (docs/adr/0031). Written when a run appears or is tagged anew, not when it moves, as entries of an index on its row are.
-- A tag that may not fit into an index is left out: who asks for it asks the rows.

DO $do$
DECLARE
    run text;
BEGIN
    FOREACH run IN ARRAY ARRAY['flow_run', 'task_run'] LOOP
        EXECUTE replace($sql$
            CREATE TABLE {run}_tag (tag text COLLATE "C" NOT NULL, id uuid NOT NULL);

            CREATE FUNCTION tag_{run}s() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO {run}_tag SELECT DISTINCT tag, id FROM new_rows, unnest(tags) AS tag WHERE octet_length(tag) <= 1000;
                RETURN NULL;
            END
            $$;

            CREATE FUNCTION tag_{run}_anew() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                DELETE FROM {run}_tag WHERE tag = ANY (OLD.tags) AND id = OLD.id;
                INSERT INTO {run}_tag SELECT DISTINCT tag, NEW.id FROM unnest(NEW.tags) AS tag WHERE octet_length(tag) <= 1000;
                RETURN NULL;
            END
            $$;

            CREATE FUNCTION untag_{run}s() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                DELETE FROM {run}_tag AS t USING old_rows AS r WHERE t.tag = ANY (r.tags) AND t.id = r.id;
                RETURN NULL;
            END
            $$;

            -- What is there already.
            INSERT INTO {run}_tag
                SELECT DISTINCT tag, id FROM {run}, unnest(tags) AS tag WHERE octet_length(tag) <= 1000 ORDER BY 1, 2;
            ALTER TABLE {run}_tag ADD PRIMARY KEY (tag, id);
            DROP INDEX {run}_tags;

            CREATE TRIGGER {run}_tagged AFTER INSERT ON {run}
                REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tag_{run}s();
            CREATE TRIGGER {run}_tagged_anew AFTER UPDATE OF tags ON {run}
                FOR EACH ROW WHEN (OLD.tags IS DISTINCT FROM NEW.tags) EXECUTE FUNCTION tag_{run}_anew();
            CREATE TRIGGER {run}_untagged AFTER DELETE ON {run}
                REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION untag_{run}s();

            -- Those in one state type in the order of ids too.
            DROP INDEX {run}_state_type;
            CREATE INDEX {run}_state_type ON {run} (state_type, id);
        $sql$, '{run}', run);
    END LOOP;
END
$do$;
