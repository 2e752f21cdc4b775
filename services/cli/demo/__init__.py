"""Made-up flow runs, to try a server with much data."""
