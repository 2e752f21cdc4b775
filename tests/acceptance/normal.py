"""Take out of an answer what may differ between two honest servers: ids, times, durations, addresses.

Tests write ids that begin with eight zeros and times in 2001 or 2099 where the value itself matters: these stay.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from difflib import unified_diff
from typing import Any

_UUID = re.compile(r"\b(?!00000000-)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_TIME = re.compile(r"\b(?!2001|2099)\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(Z|[+-]\d\d:\d\d)?")
_TWO_WORDS = re.compile(r"[a-z]+-[a-z]+")
#: Prefect makes a task key of the function's name and a hash of the path of its program.
_TASK_KEY = re.compile(r"(\w+)-[0-9a-f]{8}")
#: The SDK versions a deployment by the commit of the checkout that it runs in, or else by a hash.
_DEPLOYMENT_VERSION = re.compile(r"[0-9a-f]{8}|[0-9a-f]{32}")
_RESULT_FILE = re.compile(r"/[0-9a-f]{32}\b")
#: Where an SDK's program was when it failed: files and lines of its installation.
_FRAMES = re.compile(r"(?<=most recent call last\):\n)(?:[ \t]+.*\n)+")

#: Durations that depend on how fast a server and a run were: only "none" and "some" can be compared.
_RUN_TIMES = frozenset({"total_run_time", "estimated_run_time"})
#: Distances to the clock: not even that can.
_DISTANCES = {
    "estimated_start_time_delta": "<lateness>",
    "delay_seconds": "<delay>",
    "time_in_current_state": "<duration>",
}
#: When a server wrote something: a state's time that is the same microsecond has nothing to do with it.
_WRITTEN = frozenset({"created", "updated"})
#: These lists are made out of sets, by the SDK or the server: their order means nothing.
_SETS = frozenset({"task_inputs", "pause_keys", "limits"})


#: Characters of one line in a report.
_SHOWN = 300
#: A longer string shows its first characters, and a digest of all.
_LONG = 10_000


class Normalizer:
    """Replaces known values by their names and unknown ids and times by their kind."""

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        """Start with names for exact strings, e.g. `{"http://127.0.0.1:4200": "<server>"}`."""
        self._names = dict(names or {})

    def name(self, value: str, symbol: str) -> None:
        """Show this value as the symbol wherever it stands; the first name given to it stays."""
        self._names.setdefault(value, symbol)

    def besides(self, names: Mapping[str, str]) -> Normalizer:
        """One that knows these names too, and prefers them."""
        return Normalizer({**self._names, **names})

    def generated_name(self, answer: dict[str, Any]) -> None:
        """Take the name in this answer for one of two random words, if it has that form."""
        name = answer.get("name")
        if isinstance(name, str) and _TWO_WORDS.fullmatch(name):
            self.name(name, "<two words>")

    def text(self, value: str) -> str:
        """Normalise one string."""
        if value in self._names:
            return self._names[value]
        # Longest first: a short name may be part of a longer one.
        for known in sorted(self._names, key=len, reverse=True):
            value = value.replace(known, self._names[known])
        value = without_times(_UUID.sub("<uuid>", value))
        value = _RESULT_FILE.sub("/<file>", value)
        value = _FRAMES.sub("  <frames>\n", value)
        if len(value) > _LONG:
            # Some answers quote a request of megabytes.
            return f"{value[:_SHOWN]}<{len(value)} characters {hashlib.sha256(value.encode()).hexdigest()}>"
        return value

    def __call__(self, value: Any, key: str = "") -> Any:
        """Normalise a decoded JSON value."""
        if isinstance(value, dict):
            return {self.text(name): self(item, key if key in _SETS else name) for name, item in value.items()}
        if isinstance(value, list):
            items = [self(item) for item in value]
            return sorted(items, key=shown) if key in _SETS else items
        if isinstance(value, str) and key in _WRITTEN:
            return without_times(value)
        if key == "task_key" and isinstance(value, str) and (made := _TASK_KEY.fullmatch(value)):
            return f"{made[1]}-<hash>"
        if key == "deployment_version" and isinstance(value, str) and _DEPLOYMENT_VERSION.fullmatch(value):
            return "<version>"
        if isinstance(value, str):
            # Of a process that a worker started.
            return "<pid>" if key == "infrastructure_pid" and value.isdecimal() else self.text(value)
        if isinstance(value, float) and key in _RUN_TIMES:
            return "<no time>" if value == 0 else "<some time>"
        if isinstance(value, int | float) and key in _DISTANCES:
            return _DISTANCES[key]
        return value


def without_times(text: str) -> str:
    """Show each time only as one, with its zone."""
    return _TIME.sub(lambda match: f"<time {match[1] or 'without zone'}>", text)


def shown(value: Any) -> str:
    """Return the canonical text: sorted keys, so that only content counts, and `0` differs from `0.0`."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=True)


def difference(oracle: Any, subject: Any) -> str:
    """Return a readable difference, empty if both are equal."""
    left, right = shown(oracle).splitlines(), shown(subject).splitlines()
    lines = unified_diff(left, right, "prefect", "antiphon", n=4, lineterm="")
    # Some answers quote a request of megabytes.
    return "\n".join(line if len(line) <= _SHOWN else f"{line[:_SHOWN]}... ({len(line)} characters)" for line in lines)
