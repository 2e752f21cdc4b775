"""Measures Antiphon and the genuine Prefect under one load on one machine: `make bench`."""
