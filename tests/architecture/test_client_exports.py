"""`antiphon.client` exports what it lists, and all of it is documented."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from antiphon import client

_GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "python-client.md"
_PLAIN = {"ALL", "LogPosition"}  # a value and an alias have no text of their own


def test_the_list_is_complete() -> None:
    assert sorted(client.__all__) == sorted(name for name in vars(client) if not name.startswith("__"))


def test_the_guide_names_every_export() -> None:
    named = set(re.findall(r"\w+", _GUIDE.read_text()))
    assert set(client.__all__) - named == set()


@pytest.mark.parametrize("name", sorted(set(client.__all__) - _PLAIN))
def test_an_export_and_its_methods_are_documented(name: str) -> None:
    exported = getattr(client, name)
    assert vars(exported).get("__doc__")
    if not exported.__module__.startswith("antiphon.events.client."):
        return
    for attribute, value in vars(exported).items():
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if not attribute.startswith("_") and inspect.isfunction(function):
            assert function.__doc__, f"{name}.{attribute}"
