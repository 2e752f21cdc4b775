-- What a rebuild beside the live read models needs (docs/adr/0018).

-- What made the rows here: projections/migrate.py has the version that the code would make.
CREATE TABLE built (version integer NOT NULL);
INSERT INTO built VALUES (1);

-- Log lines follow from OBSERVED, which forgets: they are not built again, and stay where they are when read models are
-- exchanged. All schemas of read models share them.
CREATE SCHEMA IF NOT EXISTS observed;
DO $$
BEGIN
    IF to_regclass('observed.log') IS NULL THEN
        ALTER TABLE log SET SCHEMA observed;
    ELSE
        DROP TABLE log;
    END IF;
END
$$;

-- Functions look for tables where the session does: their schema changes its name.
ALTER FUNCTION roll_up_flow_runs() RESET search_path;
ALTER FUNCTION roll_up_task_runs() RESET search_path;
