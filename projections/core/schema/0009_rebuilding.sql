-- What a rebuild beside the live read models needs (docs/adr/0018).

-- What made the rows here: projections/core/migrate.py has the version that the code would make.
CREATE TABLE built (version integer NOT NULL);
INSERT INTO built VALUES (1);

-- What follows from OBSERVED, which forgets, is not built again, and stays where it is when read models are exchanged. All
-- schemas of read models share it.
CREATE SCHEMA IF NOT EXISTS observed;
DO $$
DECLARE
    observation text;
BEGIN
    FOREACH observation IN ARRAY ARRAY['log', 'worker', 'poll'] LOOP
        IF to_regclass('observed.' || observation) IS NULL THEN
            EXECUTE format('ALTER TABLE %I SET SCHEMA observed', observation);
        ELSE
            EXECUTE format('DROP TABLE %I', observation);
        END IF;
    END LOOP;
END
$$;

-- Functions look for tables where the session does: their schema changes its name.
ALTER FUNCTION roll_up_flow_runs() RESET search_path;
ALTER FUNCTION roll_up_task_runs() RESET search_path;
