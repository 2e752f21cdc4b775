"""The presence of workers: heartbeats, and polls for runs."""
