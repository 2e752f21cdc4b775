"""Requests that read ask where the log ends before anything else is done for them."""

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from antiphon.events.log.errors import LogUnavailableError
from antiphon.services.gateway.consistency.log_end import AskEarly, asked

_RUN = "/api/flow_runs/00000000-0000-4000-8000-000000000001"


def _http(method: str, path: str) -> Scope:
    return {"type": "http", "method": method, "path": path}


async def _called(scope: Scope, app: Any, ask: Callable[[], Any]) -> None:
    async def nothing(*_: Any) -> Any:
        raise AssertionError

    await AskEarly(app, ask)(scope, nothing, nothing)


@pytest.mark.parametrize(
    "scope",
    [
        _http("POST", "/api/flow_runs/filter"),
        _http("POST", "/api/task_runs/history"),
        _http("POST", "/api/flow_runs/lateness"),
        _http("POST", "/api/artifacts/latest/count"),
        _http("POST", "/api/deployments/paginate"),
        _http("GET", _RUN),
    ],
    ids=lambda scope: scope["path"],
)
async def test_reads_have_asked_when_they_want_the_answer(scope: Scope) -> None:
    order: list[str] = []

    async def ask() -> int:
        order.append("asked")
        return 7

    async def app(_: Scope, __: Receive, ___: Send) -> None:
        order.append("handled")
        question = asked()
        assert question is not None
        assert await question == 7
        assert await question == 7

    await _called(scope, app, ask)
    assert order == ["asked", "handled"]
    assert asked() is None


@pytest.mark.parametrize(
    "scope",
    [
        _http("POST", f"{_RUN}/set_state"),
        _http("POST", "/api/flow_runs/"),
        _http("PATCH", _RUN),
        _http("DELETE", _RUN),
        _http("GET", "/api/health"),
        {"type": "websocket", "path": "/api/events/filter"},
    ],
    ids=lambda scope: f"{scope.get('method')} {scope['path']}",
)
async def test_nothing_is_asked_for_others(scope: Scope) -> None:
    handled = []

    async def ask() -> int:
        raise AssertionError

    async def app(_: Scope, __: Receive, ___: Send) -> None:
        await asyncio.sleep(0)
        handled.append(asked())

    await _called(scope, app, ask)
    assert handled == [None]


async def test_whoever_is_refused_does_not_wait_for_the_answer() -> None:
    asking: list[asyncio.Task[Any] | None] = []

    async def ask() -> int:
        await asyncio.Event().wait()
        return 0

    async def app(_: Scope, __: Receive, ___: Send) -> None:
        asking.append(asked())
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  our own
        await _called(_http("GET", _RUN), app, ask)
    (question,) = asking
    assert question is not None
    with pytest.raises(asyncio.CancelledError):
        await question


async def test_what_goes_wrong_with_an_answer_that_nobody_wants_is_not_told() -> None:
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    async def ask() -> int:
        raise LogUnavailableError

    async def app(_: Scope, __: Receive, ___: Send) -> None:
        await asyncio.sleep(0)

    await _called(_http("GET", _RUN), app, ask)
    for _ in range(3):
        await asyncio.sleep(0)
    # asyncio tells of it when the task goes.
    gc.collect()
    assert told == []
