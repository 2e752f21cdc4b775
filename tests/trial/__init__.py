"""A trial of everything at once: load, subscribers who come and go, processes that are killed, a rebuild."""
