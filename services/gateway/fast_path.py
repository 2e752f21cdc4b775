"""Answers the two most frequent writes without FastAPI: the creation of a flow run, and its transitions.

A request that is unusual in any way goes to the same route in the application, which also explains what is wrong with a
body. At 64 clients FastAPI's routing and middleware were a fifth of the gateway's work.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from antiphon.events.json_bytes import without_nul
from antiphon.services.gateway.context import SCOPE_KEY, Gateway
from antiphon.services.gateway.http import errors
from antiphon.services.gateway.http.body_parsing import may_be_refused
from antiphon.services.gateway.routes.prefect.flow_runs import create, set_flow_run_state
from antiphon.services.gateway.schemas.flow_runs import FlowRunCreate
from antiphon.services.gateway.schemas.states import SetStateBody

Handler = Callable[[Request, Any], Awaitable[Response]]

#: Path -> the model of its body, and the handler that its route calls too.
HANDLERS: Final[Mapping[str, tuple[type[BaseModel], Handler]]] = {
    "/api/flow_runs/": (FlowRunCreate, create),
    "/api/flow_runs/{id}/set_state": (SetStateBody, set_flow_run_state),
}
_ID: Final = re.compile(r"(?<=/)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=/)")
_JSON: Final = b"application/json"


class WriteFastPath:
    """The application behind a fast path."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, answer it, or pass it on; whoever answers finds the gateway in the scope."""
        scope[SCOPE_KEY] = self._gateway
        refusal = errors.version_error(scope) if scope["type"] == "http" else None
        found = _found(scope) if refusal is None else None
        if refusal is not None or found is None:
            await (refusal or self._app)(scope, receive, send)
            return
        model, handle = found
        request = Request(scope, receive)
        try:
            received = without_nul(await request.body())
        except ClientDisconnect:
            return
        body = _parsed(received, model)
        if body is None:
            await self._app(scope, _replayed(received, receive), send)
            return
        response = await errors.handled(request, handle(request, body))
        await response(scope, receive, send)


def _found(scope: Scope) -> tuple[type[BaseModel], Handler] | None:
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    path: str = scope["path"]
    run_id = _ID.search(path)
    if run_id is not None:
        path = f"{path[: run_id.start()]}{{id}}{path[run_id.end() :]}"
    found = HANDLERS.get(path)
    is_json = all(value == _JSON for name, value in scope["headers"] if name == b"content-type")
    if found is None or not is_json:
        return None
    scope["path_params"] = {} if run_id is None else {"id": UUID(run_id[0])}
    return found


def _parsed(body: bytes, model: type[BaseModel]) -> BaseModel | None:
    """The body, if it is valid."""
    if may_be_refused(body):
        return None
    try:
        return model.model_validate_json(body)
    except ValidationError:
        return None


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Receives the body again, and then new messages."""
    received: list[Message] = [{"type": "http.request", "body": body}]

    async def receive_again() -> Message:
        return received.pop() if received else await receive()

    return receive_again
