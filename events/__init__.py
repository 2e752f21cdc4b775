"""Commands, events and the log; no process runs here."""
