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
    # Commands are queued or asked; outcomes and the announcements of projections have a channel each.
    types = 2 * len(COMMAND_TYPES) + len(EVENT_TYPES) + len(PROJECTION_MESSAGES)
    assert {"outcome", "projection.committed"} <= document["channels"].keys()
    observed = [name for name in document["channels"] if name.startswith("obs.")]
    assert len(document["channels"]) == types + len(observed) + 2
    assert [server["protocol"] for server in document["servers"].values()] == ["nats"]
    # Whoever reads the document needs no password for it, and gets none by it.
    assert "@" not in str(document["servers"])
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")


async def test_each_body_has_a_schema(addresses: Addresses) -> None:
    async with addresses.gateway() as caller:
        names = (await caller.get("http://gateway/antiphon/v1/schemas")).json()
        assert {"cmd.flow_run.set_state", "evt.flow_run.state.created", "outcome"} <= set(names)
        schema = (await caller.get("http://gateway/antiphon/v1/schemas/cmd.flow_run.set_state")).json()
        assert schema["title"] == "SetFlowRunState"
        missing = await caller.get("http://gateway/antiphon/v1/schemas/cmd.flow_run.fly")
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
