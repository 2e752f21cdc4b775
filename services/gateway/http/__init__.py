"""HTTP itself: errors, bodies, headers, compression, tracing."""
