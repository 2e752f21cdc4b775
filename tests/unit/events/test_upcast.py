"""Old versions of events are brought on step by step."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.events import codec, upcast
from antiphon.events.errors import UndecodableError
from antiphon.events.task_run.events import TaskRunRenamed
from antiphon.events.upcast import to_current
from tests.examples import TASK


@pytest.fixture
def two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    def add_a(payload: dict[str, Any]) -> dict[str, Any]:
        return payload | {"a": 1}

    def double_a(payload: dict[str, Any]) -> dict[str, Any]:
        return payload | {"a": payload["a"] * 2}

    monkeypatch.setitem(upcast.UPCASTERS, ("x.happened", 1), add_a)
    monkeypatch.setitem(upcast.UPCASTERS, ("x.happened", 2), double_a)


@pytest.mark.usefixtures("two_steps")
@pytest.mark.parametrize(("version", "payload"), [(1, {}), (2, {"a": 1}), (3, {"a": 2})])
def test_every_old_version_becomes_the_present_one(version: int, payload: dict[str, Any]) -> None:
    assert to_current("x.happened", version, 3, payload) == {"a": 2}


@pytest.mark.usefixtures("two_steps")
@pytest.mark.parametrize("version", [0, 4])
def test_a_version_nobody_knows_is_said_so(version: int) -> None:
    with pytest.raises(UndecodableError):
        to_current("x.happened", version, 3, {})


def test_invariant_12_an_old_event_is_upcast_when_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TaskRunRenamed, "VERSION", 2)
    monkeypatch.setitem(upcast.UPCASTERS, ("task_run.renamed", 1), lambda payload: {"name": payload["title"]})
    assert codec.decode_event(TASK, "renamed", 1, b'{"title":"old"}') == TaskRunRenamed(name="old")
    assert codec.decode_event(TASK, "renamed", 2, b'{"name":"new"}') == TaskRunRenamed(name="new")
