"""The headers with which a client describes itself."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from starlette.requests import Request

from antiphon.events import subjects

#: Only so many characters of a header are used.
_LONGEST: Final = 200
#: A client sends the same with each request.
_REMEMBERED: Final = 1024
_USER_AGENT: Final = re.compile(r"^prefect/(\S+) \(API \S+\)")


def api_version(request: Request) -> str | None:
    """The version of Prefect's API that the caller speaks; None means the latest."""
    return request.headers.get("x-prefect-api-version") or None


def leaves_task_retries(api_version: str | None) -> bool:
    """Whether the server must retry the task runs of a retried flow run, because the caller is too old to do it."""
    return api_version is not None and tuple(int(part) for part in api_version.split(".")) < (0, 8, 3)


def actor(request: Request) -> str | None:
    """The caller by its own account: a name, or else its program. It is not verified."""
    return _named((request.headers.get(subjects.ACTOR) or _user_agent(request))[:_LONGEST])


@lru_cache(_REMEMBERED)
def _named(said: str) -> str | None:
    # It becomes a NATS header, which takes printable ASCII only.
    plain = said.encode("ascii", "replace").decode()
    return "".join(filter(str.isprintable, plain)) or None


def client_version(request: Request) -> str | None:
    """The version of the calling Prefect client, if it is one."""
    return _version_in(_user_agent(request)[:_LONGEST])


def _user_agent(request: Request) -> str:
    return request.headers.get("user-agent", "")


@lru_cache(_REMEMBERED)
def _version_in(user_agent: str) -> str | None:
    match = _USER_AGENT.match(user_agent)
    return match.group(1) if match else None
