-- What clients and the reactor reported, as long as it is kept (docs/adr/0023). It follows from OBSERVED, which forgets: like
-- log lines it stays where it is when read models are exchanged.
CREATE TABLE IF NOT EXISTS observed.event (
    id uuid PRIMARY KEY,
    occurred timestamptz NOT NULL,
    received timestamptz NOT NULL,
    event text NOT NULL,
    resource_id text NOT NULL,
    resource jsonb NOT NULL,
    related jsonb NOT NULL,
    payload jsonb NOT NULL,
    follows uuid,
    -- Of the resource and of those related to it.
    resource_ids text[] NOT NULL
);
CREATE INDEX IF NOT EXISTS event_occurred ON observed.event (occurred);
CREATE INDEX IF NOT EXISTS event_resources ON observed.event USING gin (resource_ids);
