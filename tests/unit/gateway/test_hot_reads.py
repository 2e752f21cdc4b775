"""What the short way to the routes that read takes, and that it leaves everything else to the application."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from antiphon.projections.flow_run.queries import FLOW_RUNS
from antiphon.services.gateway.hot_reads import ShortWayToReads, hot_reads
from antiphon.services.gateway.http import errors
from antiphon.services.gateway.routes.prefect.bodies import LIMIT, OFFSET, Given, body, filters, order, required
from antiphon.services.gateway.routes.prefect.reads import add_reads

TAKEN = b'{"flow_runs":{"tags":{"all_":["a"]}}}'


def _router() -> APIRouter:
    router = APIRouter(prefix="/things")
    read_body = body(LIMIT, order(FLOW_RUNS.default_sort), OFFSET, filters("flows", "flow_runs"))

    @router.post("/filter")
    async def find(given: Given = Depends(read_body)) -> Response:  # noqa: B008
        return errors.JsonResponse({name: repr(value) for name, value in given.items()})

    read_number = body({"number": required(int)})

    @router.post("/count")
    async def count(given: Given = Depends(read_number)) -> int:  # noqa: B008
        if given["number"] < 0:
            raise errors.unprocessable("less than none")
        return int(given["number"])

    @router.get("/{id:uuid}")
    async def read(id: UUID) -> Response:
        if not id.int:
            raise errors.not_found("no such thing")
        return errors.JsonResponse(str(id))

    @router.delete("/{id:uuid}")
    async def delete(id: UUID) -> Response:
        return Response(status_code=204)

    return router


class Both:
    """One application with the short way, and the same without it."""

    def __init__(self) -> None:
        router = _router()
        app = FastAPI(strict_content_type=False)
        app.include_router(router, prefix="/api")
        errors.install(app)
        #: How often the application was asked behind the short way.
        self.left = 0

        async def counting(scope: Scope, receive: Receive, send: Send) -> None:
            self.left += 1
            await app(scope, receive, send)

        short = ShortWayToReads(counting, hot_reads("/api", router.routes))
        self._ways = [
            httpx.AsyncClient(transport=httpx.ASGITransport(way), base_url="http://x/api") for way in (short, app)
        ]

    async def ask(self, path: str, method: str = "POST", **request: Any) -> httpx.Response:
        """The answer that both give."""
        short, long = [await way.request(method, path, **request) for way in self._ways]
        assert (short.status_code, short.content, short.headers) == (long.status_code, long.content, long.headers)
        return short


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        TAKEN,
        b'{"limit": null, "offset": null, "flow_runs": null}',
        b'{"limit": "7", "offset": 3.0, "sort": "NAME_ASC", "unknown": 1}',
        b'{"flow_runs": {"start_time": {"after_": 1, "before_": "2026-01-01T00:00:00+02:00"}}, "limit": 0}',
        b'{"limit": 1, "limit": 2}',
    ],
)
async def test_a_body_gives_the_same_as_in_the_application(content: bytes) -> None:
    both = Both()
    answer = await both.ask("/things/filter", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, both.left) == (200, 0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"limit": 201}',
        b'{"limit": -1, "offset": -1}',
        b'{"sort": "NO_SUCH"}',
        b'{"flow_runs": [1]}',
        b'{"flow_runs": {"tags": {"all_": ["\\u0000"]}}}',
        b'{"flow_runs": {"tags": {"all_": ["\\uD800"]}}}',
        b'{"a":' * 100 + b"1" + b"}" * 100 + b"[" * 200,
        b'{"offset": 123456789012345678901234567890}',
        b"\xff",
    ],
)
async def test_what_is_wrong_with_a_body_the_application_says(content: bytes) -> None:
    both = Both()
    await both.ask("/things/filter", content=content, headers={"content-type": "application/json"})
    assert both.left == 1


@pytest.mark.parametrize(
    "request_",
    [
        {"params": {"as_of": "1"}},
        {"headers": {"content-type": "application/json; charset=utf-8"}},
        {"headers": {"content-type": "text/plain"}},
        {"headers": {"x-prefect-api-version": "0.1.0"}},
    ],
)
async def test_what_is_unusual_about_a_request_is_left_to_the_application(request_: dict[str, Any]) -> None:
    both = Both()
    await both.ask("/things/filter", content=TAKEN, **request_)
    assert both.left == 1


async def test_numbers_and_refusals_are_answered_as_in_the_application() -> None:
    both = Both()
    assert (await both.ask("/things/count", content=b'{"number": 3}')).json() == 3
    assert (await both.ask("/things/count", content=b'{"number": -3}')).json() == {"detail": "less than none"}
    assert both.left == 0
    assert (await both.ask("/things/count", content=b"{}")).status_code == 422
    assert both.left == 1


ID = UUID(int=0xABCDEF << 80)


async def test_what_is_asked_by_its_id_is_answered_as_in_the_application() -> None:
    both = Both()
    assert (await both.ask(f"/things/{ID}", "GET")).json() == str(ID)
    assert (await both.ask(f"/things/{UUID(int=0)}", "GET")).status_code == 404
    assert both.left == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/things/{str(ID).upper()}"),
        ("GET", f"/things/{ID.hex}"),
        ("GET", f"/things/{ID}/more"),
        ("GET", "/things/none"),
        ("GET", "/things/count"),
        ("DELETE", f"/things/{ID}"),
        ("POST", f"/things/{ID}"),
        ("POST", "/things/{id:uuid}"),
        ("GET", "/things/filter"),
    ],
)
async def test_other_paths_and_methods_are_left_to_the_application(method: str, path: str) -> None:
    both = Both()
    await both.ask(path, method)
    assert both.left == 1


async def test_a_body_that_breaks_off_is_left_to_the_application() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": TAKEN[:9], "more_body": True},
        {"type": "http.request", "body": b"", "more_body": True},
        {"type": "http.disconnect"},
    ]
    left = iter(messages)
    seen = []

    async def app(_: Scope, receive: Receive, __: Send) -> None:
        seen.extend([await receive() for _ in messages])

    async def receive() -> Message:
        return next(left)

    async def send(_: Message) -> None:
        raise AssertionError

    scope = {"type": "http", "method": "POST", "path": "/things/filter", "query_string": b"", "headers": []}
    await ShortWayToReads(app, hot_reads("", _router().routes))(scope, receive, send)
    assert seen == messages


def test_all_reads_of_a_resource_are_taken() -> None:
    router = APIRouter(prefix="/flow_runs")
    add_reads(router, None, FLOW_RUNS, ["flow_runs"], missing="")  # type: ignore[arg-type]  # nothing is asked
    assert set(hot_reads("/api", router.routes)) == {
        f"/api/flow_runs/{verb}" for verb in ("count", "filter", "paginate", "{id:uuid}")
    }
