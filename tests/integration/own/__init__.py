"""Our own API, against real servers."""
