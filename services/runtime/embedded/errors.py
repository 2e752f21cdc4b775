"""The error of embedded servers."""

from __future__ import annotations


class EmbeddedServerError(Exception):
    """An embedded server cannot run; the message is one sentence for the user."""
