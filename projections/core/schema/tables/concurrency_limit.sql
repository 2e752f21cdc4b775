CREATE TABLE concurrency_limit (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    name text NOT NULL,
    slot_limit integer NOT NULL,
    active boolean NOT NULL,
    slot_decay_per_second double precision NOT NULL,
    -- Slots in use at `counted_at`; a read subtracts the decay since then.
    loose_slots bigint NOT NULL,
    leased_slots bigint NOT NULL,
    denied_slots bigint NOT NULL,
    avg_slot_occupancy_seconds double precision NOT NULL,
    counted_at timestamptz NOT NULL
);
CREATE INDEX concurrency_limit_name ON concurrency_limit USING hash (name);
