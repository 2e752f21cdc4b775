-- The tags of runs in the order of ids: the latest runs with a tag are found without reading all of them (docs/adr/0008).
-- Insertions and changes of tags write it, transitions do not. A tag that may be too long for an index entry is left
-- out: a search for it reads the rows.

DO $do$
DECLARE
    run text;
BEGIN
    FOREACH run IN ARRAY ARRAY['flow_run', 'task_run'] LOOP
        EXECUTE replace($sql$
            CREATE TABLE {run}_tag (tag text COLLATE "C" NOT NULL, id uuid NOT NULL, PRIMARY KEY (tag, id));

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

            CREATE TRIGGER {run}_tagged AFTER INSERT ON {run}
                REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tag_{run}s();
            CREATE TRIGGER {run}_tagged_anew AFTER UPDATE OF tags ON {run}
                FOR EACH ROW WHEN (OLD.tags IS DISTINCT FROM NEW.tags) EXECUTE FUNCTION tag_{run}_anew();
            CREATE TRIGGER {run}_untagged AFTER DELETE ON {run}
                REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION untag_{run}s();
        $sql$, '{run}', run);
    END LOOP;
END
$do$;
