"""Read models: what events do to the tables, and the queries on them; no process, no NATS."""
