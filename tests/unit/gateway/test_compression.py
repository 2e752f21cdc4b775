"""Large answers are compressed for those who take it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from antiphon.services.gateway.http.compression import Compression

_LARGE = b"0123456789" * 200_000


async def _answer(request: Request) -> Response:
    return Response(_LARGE[: int(request.path_params["size"])], media_type="application/json")


async def _stream(_: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(_LARGE), 100_000):
            yield _LARGE[start : start + 100_000]

    return StreamingResponse(parts(), media_type="text/csv")


async def _asked(path: str, accepted: str) -> httpx.Response:
    app = Compression(Starlette(routes=[Route("/{size:int}", _answer), Route("/stream", _stream)]))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path, headers={"Accept-Encoding": accepted})


@pytest.mark.parametrize("path", ["/16000", "/2000000", "/stream"])
async def test_large_answers_are_compressed(path: str) -> None:
    answer = await _asked(path, "gzip, deflate")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.content == (_LARGE if path == "/stream" else _LARGE[: int(path[1:])])
    if path != "/stream":
        assert int(answer.headers["Content-Length"]) < len(answer.content) / 2


@pytest.mark.parametrize(("path", "accepted"), [("/15999", "gzip"), ("/16000", "identity"), ("/stream", "identity")])
async def test_others_are_sent_as_they_are(path: str, accepted: str) -> None:
    answer = await _asked(path, accepted)
    assert "Content-Encoding" not in answer.headers
    assert answer.content == (_LARGE if path == "/stream" else _LARGE[: int(path[1:])])
