"""nats-server and PostgreSQL as child processes under a data directory."""
