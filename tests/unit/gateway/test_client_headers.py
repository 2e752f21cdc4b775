"""Who a request says it comes from."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from antiphon.services.gateway.http import client_headers


def asked(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


@pytest.mark.parametrize(
    ("headers", "actor"),
    [
        ({"antiphon_actor": "ada@example", "user_agent": "curl/8"}, "ada@example"),
        ({"user_agent": "prefect/3.8.8 (API 0.8.4)"}, "prefect/3.8.8 (API 0.8.4)"),
        ({"antiphon_actor": "", "user_agent": "curl/8"}, "curl/8"),
        ({"antiphon_actor": "Zo\xeb\x7f"}, "Zo?"),
        ({"antiphon_actor": "\x01"}, None),
        ({"antiphon_actor": "a" * 1000}, "a" * 200),
        ({}, None),
    ],
)
def test_an_actor_is_who_the_caller_names_or_the_program_it_is(headers: dict[str, str], actor: str | None) -> None:
    assert client_headers.actor(asked(**headers)) == actor
