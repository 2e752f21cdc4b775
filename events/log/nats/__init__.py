"""The log on NATS JetStream: the adapter behind the log port."""
