"""Roles that exist for tests of the supervisor only."""
