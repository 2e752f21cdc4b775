"""Tests: integration/policy."""
