"""Servers with streams and tables, and the roles on them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from tests.integration.gateway.house import Addresses
from tests.integration.own.served import Served, serving


@pytest.fixture
async def served(addresses: Addresses) -> AsyncIterator[Served]:
    """Run policy, projector and gateway."""
    async with addresses.running(run_policy, run_projector), serving(addresses) as found:
        yield found
