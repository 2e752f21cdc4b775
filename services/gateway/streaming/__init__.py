"""WebSockets and streams."""
