"""Which position of the log a read must show."""
