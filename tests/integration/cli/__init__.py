"""The commands about the log, against a running Antiphon."""
