"""HTTP: errors, bodies, headers, tracing."""
