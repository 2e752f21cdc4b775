"""Tests: unit/events."""
