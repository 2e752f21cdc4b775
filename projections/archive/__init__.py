"""The second copy of the log in PostgreSQL: written, verified, repaired from."""
