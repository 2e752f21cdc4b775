"""The audit page at `/audit`."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Header
from starlette.responses import Response

from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.docs_pages import page
from antiphon.services.gateway.http.errors import not_found

_PAGE: Final = "audit.html"

IfNoneMatch = Annotated[str | None, Header()]


def routes(gateway: Gateway) -> APIRouter:  # noqa: ARG001  like all its siblings
    """The page and its files."""
    router = APIRouter(prefix="/audit", include_in_schema=False)

    @router.get("")
    async def audit(if_none_match: IfNoneMatch = None) -> Response:
        return page.all_files()[_PAGE].response(if_none_match)

    @router.get("/{name}")
    async def file(name: str, if_none_match: IfNoneMatch = None) -> Response:
        found = page.all_files().get(name)
        if found is None or name == _PAGE:
            raise not_found(f"{name} is no part of the page.")
        return found.response(if_none_match)

    return router
