-- Concurrency limits, and the leases that hold their slots.

CREATE TABLE concurrency_limit (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    name text NOT NULL,
    slot_limit integer NOT NULL,
    active boolean NOT NULL,
    slot_decay_per_second double precision NOT NULL,
    -- How many were taken when they were last counted: decay is worked out when they are read.
    loose_slots bigint NOT NULL,
    leased_slots bigint NOT NULL,
    denied_slots bigint NOT NULL,
    avg_slot_occupancy_seconds double precision NOT NULL,
    counted_at timestamptz NOT NULL
);
CREATE INDEX concurrency_limit_name ON concurrency_limit USING hash (name);

-- Only those that last.
CREATE TABLE concurrency_lease (
    id uuid PRIMARY KEY,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    limit_ids uuid[] NOT NULL,
    slots integer NOT NULL,
    holder_type text,
    holder_id uuid,
    expires_at timestamptz
);
CREATE INDEX concurrency_lease_limits ON concurrency_lease USING gin (limit_ids);
-- The timekeeper asks for those whose time is over.
CREATE INDEX concurrency_lease_expiry ON concurrency_lease (expires_at) WHERE expires_at IS NOT NULL;
