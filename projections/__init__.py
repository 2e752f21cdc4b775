"""Read models: the changes that events make to tables, and the queries on the tables; no process, no NATS."""
