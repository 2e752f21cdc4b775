"""Whether a log is one that a single policy could have written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from antiphon.events import codec
from antiphon.events.log.memory import MemoryLog
from antiphon.events.log.port import Recorded
from antiphon.services.runtime.clock import ManualClock
from tests.examples import NOW
from tests.letters import Desk, Question

#: Fields that hold the policy's clock, or follow from it.
_TIMES = frozenset(
    {"timestamp", "at", "delay_seconds", "retry_after_seconds", "total_run_time", "granted_at"}
    | {"avg_slot_occupancy_seconds"}
)


async def assert_one_policy_could_have_decided(events: Sequence[Recorded], commands: Mapping[UUID, Question]) -> None:
    """Decide the commands again, in the order of their events, by one policy on an empty log: the events are the same.

    So no command was decided twice, and no decision rests on anything but the log before it. Times may differ.
    """
    assert [item.position for item in events] == list(range(1, len(events) + 1))
    order = list(dict.fromkeys(item.metadata.command_id for item in events))
    assert set(order) == set(commands)
    log = MemoryLog(ManualClock(NOW))
    desk = Desk(log)
    for command_id in order:
        await desk.handle(commands[command_id])
    again = [item async for batch in log.follow(0, until=await log.last_position()) for item in batch]
    assert len(events) == len(again)
    for item, other in zip(events, again, strict=True):
        assert isinstance(other, Recorded)
        left, right = _told(item), _told(other)
        assert left == right, f"{left} != {right}"


def _told(item: Recorded) -> tuple[Any, ...]:
    stored = orjson.loads(codec.encode(item.event))
    return item.metadata.command_id, item.aggregate, item.event.TYPE, _without_times(stored)


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(inner) for key, inner in value.items() if key not in _TIMES and not _is_time(inner)}
    return [_without_times(inner) for inner in value] if isinstance(value, list) else value


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) >= 19 and bool(datetime.fromisoformat(value))
    except ValueError:
        return False
