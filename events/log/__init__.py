"""The log port, its two implementations, and the consumers that read it."""
