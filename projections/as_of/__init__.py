"""The read models as they were at a position of the log."""
