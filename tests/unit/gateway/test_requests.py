"""Bodies of requests, as the hot routes read them."""

from __future__ import annotations

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from antiphon.services.gateway.http.body_parsing import read_body
from antiphon.services.gateway.schemas.flows import FlowCreate


async def test_a_caller_who_hangs_up_is_no_fault_of_ours() -> None:
    messages = iter(({"type": "http.request", "body": b'{"na', "more_body": True}, {"type": "http.disconnect"}))

    async def receive() -> Message:
        return next(messages)

    with pytest.raises(HTTPException) as refused:
        await read_body(Request({"type": "http", "headers": []}, receive), FlowCreate)
    assert refused.value.status_code == 400
