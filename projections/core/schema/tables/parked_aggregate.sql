-- Event streams with an event that could not be read: the later events of the stream wait (docs/adr/0003).
CREATE TABLE parked_aggregate (
    subject text PRIMARY KEY,
    position bigint NOT NULL
);
