-- The second copy of the log. Its rows form a chain: each hash covers the row and the hash before it
-- (projections/archive/archive.py), so that `antiphon verify` finds a row that was changed, removed or inserted.
CREATE SCHEMA archive;

-- The projector creates the partitions, each with a unique index on its positions. `month` never goes back, even if the
-- clock of the log does: each partition holds one unbroken part of the chain.
CREATE TABLE archive.event (
    position bigint NOT NULL,
    month date NOT NULL,
    recorded_at timestamptz NOT NULL,
    -- Characters that are not printable ASCII are escaped.
    subject text NOT NULL,
    headers bytea NOT NULL,
    data bytea NOT NULL,
    hash bytea NOT NULL
) PARTITION BY LIST (month);

-- The first and the last link of each partition; `genesis` is the hash before its first row.
CREATE TABLE archive.chain (
    month date PRIMARY KEY,
    genesis bytea NOT NULL,
    first_position bigint NOT NULL,
    position bigint NOT NULL,
    hash bytea NOT NULL
);
