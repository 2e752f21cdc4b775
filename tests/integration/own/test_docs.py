"""The pages about our routes: whole, and with nothing from elsewhere."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

from jsonschema import Draft202012Validator

from tests.elements import LEADS_ELSEWHERE, Elements
from tests.integration.own.served import OWN, Served
from tests.integration.own.test_stream import new_flow

_PAGES: Final = ("/api/docs", f"{OWN}/docs", f"{OWN}/asyncapi.html")


async def test_the_routes_that_are_called_most_take_and_answer_what_is_described(served: Served) -> None:
    described = (await served.http.get("/api/openapi.json")).json()

    def check(path: str, body: Any, refusal: Any) -> None:
        told = described["paths"][path]["post"]
        for value, content in ((body, told["requestBody"]), (refusal, told["responses"]["422"])):
            schema = content["content"]["application/json"]["schema"] | {"components": described["components"]}
            Draft202012Validator(schema).validate(value)

    body = {"flow_id": await new_flow(served, "described"), "state": {"type": "PENDING"}}
    created = await served.http.post("/api/flow_runs/", json=body)
    assert created.status_code == 201
    check("/api/flow_runs/", body, (await served.http.post("/api/flow_runs/", json={})).json())
    for kind, run_id in (("flow_runs", created.json()["id"]), ("task_runs", uuid4())):
        refused = await served.http.post(f"/api/{kind}/{run_id}/set_state", json={"state": {"type": "NONE"}})
        assert refused.status_code == 422
        check(f"/api/{kind}/{{id}}/set_state", {"state": {"type": "RUNNING"}}, refused.json())


async def test_whatever_the_pages_ask_for_is_there(served: Served) -> None:
    for path in (*_PAGES, "/audit"):
        elements = Elements((await served.http.get(path)).text)
        asked = {link for link in elements.all("href") + elements.all("src") if not link.startswith("#")}
        assert len(asked) >= 2
        for link in asked:
            url = served.http.base_url.join(path).join(link)
            assert (await served.http.get(url)).status_code == 200, (path, link)


async def test_the_pages_load_nothing_from_elsewhere(served: Served) -> None:
    for path in _PAGES:
        answer = await served.http.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert LEADS_ELSEWHERE.findall(answer.text) == []
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; ")
        assert "http" not in policy


async def test_where_another_viewer_was_the_page_is_found(served: Served) -> None:
    for api in ("/api", OWN):
        answer = await served.http.get(f"{api}/redoc", follow_redirects=True)
        assert (answer.status_code, answer.url.path) == (200, f"{api}/docs")
