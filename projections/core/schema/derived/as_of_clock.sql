-- What grows with the clock (running, late) is shown of a moment in the past as it was then. Only a session that reads the
-- past finds these functions, because it looks for functions here first (projections/as_of/as_of_session.py); to all others the names mean
-- PostgreSQL's own.
CREATE FUNCTION clock_timestamp() RETURNS timestamptz
    LANGUAGE sql STABLE
    RETURN current_setting('antiphon.moment')::timestamptz;
CREATE FUNCTION statement_timestamp() RETURNS timestamptz
    LANGUAGE sql STABLE
    RETURN current_setting('antiphon.moment')::timestamptz;
