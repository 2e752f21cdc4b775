"""Deployments: documents whose decisions reach further, to the limit of their concurrency."""
