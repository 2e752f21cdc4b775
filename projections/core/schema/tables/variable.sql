CREATE TABLE variable (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    name text NOT NULL,
    -- NULL stands for a JSON null.
    value json,
    tags text[] NOT NULL
);
CREATE INDEX variable_name ON variable (name);
