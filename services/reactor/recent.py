"""Remembers what was used most recently."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A bounded memory; that something is not there is remembered too, as None."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[K, V | None] = OrderedDict()

    def __contains__(self, key: K) -> bool:
        """Whether `get` knows about it."""
        return key in self._values

    def get(self, key: K) -> V | None:
        """What was put under a key that is in here."""
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: K, value: V | None) -> None:
        """Remember; the one that was not used for longest may be forgotten."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)

    def forget(self, key: K) -> None:
        """No longer know about it."""
        self._values.pop(key, None)
