"""Commands and events of concurrency limits, and of the leases that hold their slots."""
