"""The errors that refuse a command."""

from __future__ import annotations

from typing import Any

from antiphon.events.outcome import Status


class RefusedError(Exception):
    """Ends a decision: the command has no valid target or no meaning, and changes nothing."""

    def __init__(self, status: Status, reason: str, **fields: Any) -> None:
        super().__init__(reason)
        #: The fields of the answer.
        self.fields: dict[str, Any] = {"status": status, "reason": reason} | fields


class IntegrityError(RefusedError):
    """The command violates a unique or foreign key constraint, in Prefect's words."""

    def __init__(self) -> None:
        super().__init__(
            Status.CONFLICT,
            "Data integrity conflict. This usually means a unique or foreign key constraint was violated."
            " See server logs for details.",
        )
