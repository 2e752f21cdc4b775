-- Event streams with a parked event: the later events of the stream wait (docs/adr/0003).
CREATE TABLE parked_aggregate (
    -- `evt.<kind>.<id>`
    subject text PRIMARY KEY,
    -- Of the parked event.
    position bigint NOT NULL,
    recorded_at timestamptz,
    reason text NOT NULL,
    error text NOT NULL,
    -- The number of later events.
    waiting bigint NOT NULL DEFAULT 0
);
