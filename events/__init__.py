"""What may be said, and the log it is said on; no process lives here."""
