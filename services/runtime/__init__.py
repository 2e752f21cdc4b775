"""Shared by all processes: settings, clock, ids, connections, life cycle, embedded servers."""
