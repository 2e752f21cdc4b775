-- The last position in its stream that each projection has written.
CREATE TABLE checkpoint (
    name text PRIMARY KEY,
    position bigint NOT NULL
);
