-- The clock of a session that reads the past: run times and lateness are shown as of its moment. Only such a session looks for
-- functions in this schema first (projections/as_of/shadow_tables.py); all others find those of PostgreSQL.
CREATE FUNCTION clock_timestamp() RETURNS timestamptz
    LANGUAGE sql STABLE
    RETURN current_setting('antiphon.moment')::timestamptz;
CREATE FUNCTION statement_timestamp() RETURNS timestamptz
    LANGUAGE sql STABLE
    RETURN current_setting('antiphon.moment')::timestamptz;
