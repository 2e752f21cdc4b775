"""Made-up flow runs, to try a server that is full."""
