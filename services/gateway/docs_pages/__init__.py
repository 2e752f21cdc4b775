"""The pages that describe the API, and the audit page."""
