"""Antiphon's own API under `/antiphon/v1`: the log as streams, the history of a run, its state at any moment."""
