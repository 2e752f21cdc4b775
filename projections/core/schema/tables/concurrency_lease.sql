-- Slots that a holder has taken until it releases them or they expire.
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
-- The timekeeper queries expired leases.
CREATE INDEX concurrency_lease_expiry ON concurrency_lease (expires_at) WHERE expires_at IS NOT NULL;
