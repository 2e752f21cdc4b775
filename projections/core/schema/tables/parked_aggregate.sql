-- Event streams with a parked event: the later events of the stream wait (docs/adr/0003).
CREATE TABLE parked_aggregate (
    subject text PRIMARY KEY,
    position bigint NOT NULL
);
