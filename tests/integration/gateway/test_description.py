"""The description of what is said on NATS, as the gateway serves it."""

from __future__ import annotations

from antiphon.events.codec import COMMAND_TYPES, EVENT_TYPES
from antiphon.events.projection_messages import PROJECTION_MESSAGES
from tests.integration.gateway.house import Addresses


async def test_the_asyncapi_document_is_served_for_programs_and_for_people(addresses: Addresses) -> None:
    async with addresses.gateway() as caller:
        answer = await caller.get("http://gateway/antiphon/v1/asyncapi")
        page = await caller.get("http://gateway/antiphon/v1/asyncapi.html")
    document = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert document["asyncapi"].startswith("3.")
    # Outcomes and the announcements of projections have a channel each.
    types = len(COMMAND_TYPES) + len(EVENT_TYPES) + len(PROJECTION_MESSAGES)
    assert len(document["channels"]) == types + 2
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
