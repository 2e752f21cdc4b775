"""Prefect's message for a violated unique or foreign key constraint."""

from typing import Final

INTEGRITY_CONFLICT: Final = (
    "Data integrity conflict. This usually means a unique or foreign key constraint was violated."
    " See server logs for details."
)
