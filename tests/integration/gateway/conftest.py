"""Servers with streams and tables."""

from __future__ import annotations

import pytest

from tests.integration.gateway.house import Addresses


@pytest.fixture
async def addresses(nats_url: str, postgres_url: str) -> Addresses:
    """Prepared servers; no role runs yet."""
    found = Addresses(nats_url, postgres_url)
    await found.prepare()
    return found
