"""Events of names: reservations that make something unique across the log."""
