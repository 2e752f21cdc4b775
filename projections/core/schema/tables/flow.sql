CREATE TABLE flow (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    name text NOT NULL,
    tags text[] NOT NULL,
    labels json
);
-- A hash index takes texts of any length.
CREATE INDEX flow_name ON flow USING hash (name);
