"""What can go wrong with an embedded server."""

from __future__ import annotations


class EmbeddedServerError(Exception):
    """An embedded server cannot run; the message is one sentence for the person who started it."""
