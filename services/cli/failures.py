"""Why a command cannot be carried out, in one sentence for the person who gave it."""

from __future__ import annotations


class CannotStartError(Exception):
    """Antiphon cannot start: the message says what is in the way."""


class NotRunningError(Exception):
    """No Antiphon is running on the data directory."""
