"""The audit page, and the pages that show the APIs' documents."""
