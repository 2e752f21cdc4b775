"""Ordinary Prefect programs, run by the real SDK against both servers."""
