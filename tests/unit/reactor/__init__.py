"""Tests of the reactor that need no server."""
