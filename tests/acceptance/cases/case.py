"""One request of a table, and how it refers to what earlier ones answered."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

_REFERENCE = re.compile(r"\{([a-z][a-z0-9_]*)\.([a-z_.]+)\}")

#: An id of nothing.
UNKNOWN: Final = "00000000-0000-4000-8000-00000000dead"


@dataclass(frozen=True, slots=True)
class Case:
    """A request; `{name.key}` in its path or body is taken from the answer saved under that name."""

    name: str
    method: str
    path: str
    #: Sent as JSON; None sends no body.
    body: Any = None
    #: Sent as it is, instead of `body`.
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    #: Keep the answer under this name.
    save: str = ""
    #: The order of the answer's list is not part of the contract.
    unordered: bool = False
    #: The answer is about everything on the server, so also about the records of other tests: only its type counts.
    of_all: bool = False


def get(name: str, path: str, **options: Any) -> Case:
    """Make a GET request."""
    return Case(name, "GET", path, **options)


def post(name: str, path: str, body: Any = None, **options: Any) -> Case:
    """Make a POST request."""
    return Case(name, "POST", path, body, **options)


def patch(name: str, path: str, body: Any = None, **options: Any) -> Case:
    """Make a PATCH request."""
    return Case(name, "PATCH", path, body, **options)


def delete(name: str, path: str, **options: Any) -> Case:
    """Make a DELETE request."""
    return Case(name, "DELETE", path, **options)


def resolved(value: Any, saved: dict[str, Any]) -> Any:
    """Put saved answers in place of the references to them."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: str(_looked_up(saved, match[1], match[2])), value)
    if isinstance(value, list):
        return [resolved(item, saved) for item in value]
    if isinstance(value, dict):
        return {resolved(name, saved): resolved(item, saved) for name, item in value.items()}
    return value


def _looked_up(saved: dict[str, Any], name: str, path: str) -> Any:
    value = saved[name]
    for key in path.split("."):
        value = value[key]
    return value
