"""Limits and leases: their folds, their arithmetic and their deciders."""
