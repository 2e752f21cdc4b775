"""Where Antiphon answers otherwise than Prefect on purpose, each with its reason and what it must answer instead."""

from dataclasses import dataclass, field
from typing import Any, Final

_VALIDATION: Final = frozenset({"exception_message", "exception_detail", "request_body"})


@dataclass(frozen=True, slots=True)
class Decided:
    """Answers that were decided on."""

    reason: str
    statuses: range = range(400, 500)
    #: The keys that the body must have: one of these sets.
    keys: tuple[frozenset[str], ...] = field(
        default=(_VALIDATION, frozenset({"exception_message"}), frozenset({"detail"}))
    )

    def violated_by(self, answer: dict[str, Any]) -> str:
        """Say how an answer is not one that was decided on; empty if it is."""
        body = answer.get("body")
        keys = frozenset(body) if isinstance(body, dict) else frozenset()
        if answer["status"] in self.statuses and keys in self.keys:
            return ""
        return f"decided: {self.reason}\ngiven: {str(answer)[:500]}"


#: The genuine server answers these with 500 or 503; the SDK even repeats a request that got a 503.
FAILURES: Final = Decided("what the genuine server fails on is refused in its form of a client error")

#: By `table: case`.
DECIDED_DIFFERENCES: Final[dict[str, Decided]] = {}


def decided_difference(case: str, genuine: dict[str, Any]) -> Decided | None:
    """Return what was decided for a case, if Antiphon is to answer otherwise."""
    if case in DECIDED_DIFFERENCES:
        return DECIDED_DIFFERENCES[case]
    return FAILURES if isinstance(genuine["status"], int) and genuine["status"] >= 500 else None
