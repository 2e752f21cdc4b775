"""Tests of the gateway with everything behind it."""
