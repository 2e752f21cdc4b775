"""What a request's headers tell of the program that sent it."""

from __future__ import annotations

import re
from typing import Final

from starlette.requests import Request

from events import subjects

_LONGEST_ACTOR: Final = 200
_USER_AGENT: Final = re.compile(r"^prefect/(\S+) \(API \S+\)")


def api_version(request: Request) -> str | None:
    """The version of Prefect's API that the caller speaks; absent means the newest."""
    return request.headers.get("x-prefect-api-version") or None


def leaves_task_retries(api_version: str | None) -> bool:
    """Whether the caller is so old that the server is to retry the task runs of a flow run that is retried."""
    return api_version is not None and tuple(int(part) for part in api_version.split(".")) < (0, 8, 3)


def actor(request: Request) -> str | None:
    """Who asks, as the caller says it: a name if it gives one, else what program it is. Nobody checks it."""
    said = request.headers.get(subjects.ACTOR) or request.headers.get("user-agent", "")
    # It becomes a header of a message: what HTTP lets through beyond ASCII does not belong there.
    plain = said[:_LONGEST_ACTOR].encode("ascii", "replace").decode()
    return "".join(filter(str.isprintable, plain)) or None


def client_version(request: Request) -> str | None:
    """The version of the Prefect client that called, if it is one."""
    match = _USER_AGENT.match(request.headers.get("user-agent", ""))
    return match.group(1) if match else None
