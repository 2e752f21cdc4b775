"""Tests: unit/projections."""
