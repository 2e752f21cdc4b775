"""The audit page over HTTP: its files, what protects them, and the numbers it shows."""

from __future__ import annotations

import pytest

from tests.integration.own.served import OWN, Served, take
from tests.integration.own.test_stream import life, new_flow

_PAGES = (("/audit", "text/html"), ("/audit/audit.js", "text/javascript"), (f"{OWN}/asyncapi.html", "text/html"))


async def test_the_page_is_served_with_a_strict_policy(served: Served) -> None:
    for path, media_type in _PAGES:
        answer = await served.http.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"{media_type}; charset=utf-8")
        assert "default-src 'none'; script-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_file_that_the_browser_has_is_not_sent_again(served: Served) -> None:
    first = await served.http.get("/audit/audit.js")
    etag = first.headers["etag"]
    for known in (etag, f"W/{etag}"):
        again = await served.http.get("/audit/audit.js", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
    assert (await served.http.get("/audit", headers={"If-None-Match": etag})).status_code == 200


@pytest.mark.parametrize("name", ["nothing.js", "audit.html", "__init__.py", "%2e%2e%2fpage.py", "../page.py"])
async def test_only_what_belongs_to_the_page_is_served(served: Served, name: str) -> None:
    assert (await served.http.get(f"/audit/{name}")).status_code == 404


async def test_the_state_of_the_log_is_told_as_numbers(served: Served) -> None:
    await life(served, await new_flow(served, "told"))
    # A read waits for the projection.
    assert (await served.http.post("/api/flow_runs/count", json={})).json() == 1
    status = (await served.http.get(f"{OWN}/status")).json()
    assert status.pop("now")
    assert status == {
        "log_position": 6,
        "projected_position": 6,
        "projection_lag_events": 0,
        "projection_lag_seconds": 0,
        "waiting_commands": 0,
        "parked_messages": 0,
        "parked_event_streams": 0,
        "parked_waiting_events": 0,
        "archive_position": 6,
    }


async def test_the_log_tells_who_asked(served: Served) -> None:
    await served.http.post("/api/flows/", json={"name": "named"}, headers={"Antiphon-Actor": "ada"})
    await served.http.post("/api/flows/", json={"name": "program"}, headers={"User-Agent": "curl/8"})
    assert [event.data["actor"] for event in await take(served.http, 4)] == ["ada", "ada", "curl/8", "curl/8"]
