"""One request of a random program."""

from dataclasses import dataclass, field
from typing import Any

#: Stands for something that no other program has.
SALT = "<salt>"

#: Method, path and body.
Request = tuple[str, str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One request; `of` picks among the runs that there are of its kind, `within` among those it may belong to."""

    action: str
    of: int = 0
    within: int | None = None
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
