-- The second copy of the log. It is no read model: it has a schema of its own, stays when read models are dropped or built
-- again, and is only ever added to. Its rows form a chain: each hash covers the row and the hash before it
-- (projections/archive/archive.py), so that `antiphon verify` finds what was changed, removed or inserted.
CREATE SCHEMA IF NOT EXISTS archive;

-- Partitions are made by the projector, each with a unique index on its positions. `month` never goes back, even where the
-- log's clock does: each partition holds one unbroken piece of the chain.
CREATE TABLE IF NOT EXISTS archive.event (
    position bigint NOT NULL,
    month date NOT NULL,
    recorded_at timestamptz NOT NULL,
    -- Characters that are not printable ASCII are escaped.
    subject text NOT NULL,
    headers bytea NOT NULL,
    data bytea NOT NULL,
    hash bytea NOT NULL
) PARTITION BY LIST (month);

-- The head of each partition: what it began behind, and its last row.
CREATE TABLE IF NOT EXISTS archive.chain (
    month date PRIMARY KEY,
    genesis bytea NOT NULL,
    first_position bigint NOT NULL,
    position bigint NOT NULL,
    hash bytea NOT NULL
);
