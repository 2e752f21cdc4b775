"""Failures of commands; the message is one sentence for the user."""

from __future__ import annotations


class CommandFailedError(Exception):
    """A command ends with exit code 1."""


class NotRunningError(CommandFailedError):
    """No Antiphon is running on the data directory."""


class CannotStartError(Exception):
    """Antiphon cannot start; the message names the obstacle."""
