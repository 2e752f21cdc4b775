"""Tests of the read models on PostgreSQL."""
