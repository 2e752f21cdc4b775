"""Measures queries on a million flow runs, the genuine Prefect beside Antiphon: `make bench-queries`."""
