"""The recorder: turns what clients report of their task runs into commands for the log."""
