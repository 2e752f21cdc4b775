"""WebSockets and live observations."""
