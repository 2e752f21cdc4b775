"""The client library: publish commands, await decisions, follow and replay the log."""
