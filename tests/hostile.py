"""Values that no well-meaning client sends, for the fields of a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, Final
from uuid import UUID

_RARE: Final = "".join(map(chr, Random(14).choices(range(0x10000, 0x1F000), k=3000)))  # noqa: S311  no secret
TEXTS: Final = (
    *("", " ", "\0", "a\0b", "\\u0000", "\x7f\x1f\u2028", '"\\', "%(x)s {}", "/%&><", "null", "😀\U0010ffff", "-1"),
    _RARE,
)
HALF_A_CHARACTER: Final = "a\ud800"
INTEGERS: Final = (0, 1, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63, 2**64 + 1, -(10**40), 10**400)
FLOATS: Final = (0.0, -0.0, 0.1, 1e22, -1e22, 1e300, 5e-324, 1.7976931348623157e308)
TIMES: Final = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-01-01T00:00:00+14:00", "2026-01-01T00:00")
#: Times without a place in UTC, and none at all.
NO_TIMES: Final = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "10000-01-01T00:00:00Z", "-infinity")
NAMES: Final = ("name", "a-name", "n" * 2000, "0", "x-1", "x-2", "x-3", "x-4")

#: Properties by their names, whose values are ids of a kind.
KINDS: Final = {
    **{f"{kind}_id": kind for kind in ("flow", "flow_run", "task_run", "deployment", "work_pool")},
    "queue_id": "work_queue",
    "work_queue_id": "work_queue",
    "parent_task_run_id": "task_run",
    "concurrency_limit_id": "limit",
    "holder_id": "task_run",
    "id": "task_run",
}


class Hostile:
    """A seeded generator. Most values fit their schema, so that most bodies are accepted; `malice` do not."""

    def __init__(self, seed: int, ids: Mapping[str, list[str]], malice: float = 0.05) -> None:
        self.random = Random(seed)  # noqa: S311  no secret
        self._ids = ids
        self._malice = malice
        self._definitions: Mapping[str, Any] = {}

    def body(self, schema: Mapping[str, Any], **given: Any) -> dict[str, Any]:
        """An object of a schema with its definitions; `given` are values that it must have."""
        self._definitions = schema.get("$defs", {})
        return self._object(schema) | given

    def new_id(self) -> str:
        """A random UUID."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def _is_malicious(self) -> bool:
        return self.random.random() < self._malice

    def _value(self, schema: Mapping[str, Any], name: str = "") -> Any:  # noqa: C901  a case for each type
        if "$ref" in schema:
            return self._value(self._definitions[schema["$ref"].rpartition("/")[2]], name)
        if "anyOf" in schema:
            return self._value(self.random.choice(schema["anyOf"]), name)
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        match str(schema.get("type")):
            case "string":
                return self._text(schema, name)
            case "integer":
                return self._integer(schema)
            case "number":
                return float("inf") if self._is_malicious() else self.random.choice((*FLOATS, *INTEGERS[:-1]))
            case "array":
                return [self._value(schema.get("items", {}), name) for _ in range(self.random.randrange(3))]
            case "object":
                return self._object(schema)
            case "boolean":
                return self.random.random() < 0.5
            case "null":
                return None
            case _:
                return self.anything()

    def _object(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        if "properties" not in schema:
            within = schema.get("additionalProperties")
            inner = within if isinstance(within, dict) else {}
            return {self.random.choice(TEXTS): self._value(inner) for _ in range(self.random.randrange(3))}
        required = schema.get("required", ())
        return {
            name: self._value(inner, name)
            for name, inner in schema.get("properties", {}).items()
            if name in required or self.random.random() < 0.4
        }

    def _text(self, schema: Mapping[str, Any], name: str) -> str:
        if self._is_malicious():
            return self.random.choice((HALF_A_CHARACTER, *NO_TIMES))
        match schema.get("format"):
            case "uuid":
                known = self._ids.get(KINDS.get(name, ""), [])
                return self.random.choice(known) if known and self.random.random() < 0.9 else self.new_id()
            case "date-time":
                return self.random.choice(TIMES)
            case "duration":
                return self.random.choice(("PT0S", "PT1.5S", "P999999999D", "-P999999999D"))
            case _:
                return self.random.choice(NAMES if "pattern" in schema else TEXTS)

    def _integer(self, schema: Mapping[str, Any]) -> int:
        least, most = schema.get("minimum"), schema.get("maximum")
        if self._is_malicious() or (least is None and most is None):
            return self.random.choice(INTEGERS)
        return self.random.choice([n for n in (least, most, 1) if n is not None])

    def anything(self, depth: int = 3) -> Any:
        """Any JSON value, sometimes a deep one."""
        choice = self.random.randrange(9 if depth else 7)
        match choice:
            case 0:
                return self.random.choice((None, True, False))
            case 1 | 2 | 3:
                return self.random.choice((*INTEGERS, *FLOATS))
            case 4 | 5:
                return self.random.choice(TEXTS)
            case 6:
                value: Any = 0
                for _ in range(120):
                    value = [value]
                return value
            case 7:
                return [self.anything(depth - 1) for _ in range(self.random.randrange(4))]
            case _:
                return {self.random.choice(TEXTS): self.anything(depth - 1) for _ in range(self.random.randrange(4))}
