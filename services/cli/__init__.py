"""The command line: start and stop, the content of the log, maintenance."""
