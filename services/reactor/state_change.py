"""Prefect's event about a flow run that changed its state (docs/prefect/rules.md section 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from antiphon.events.flow_run.events import CreatedBy
from antiphon.events.state import State, StateType
from antiphon.services.reactor.announcement import Labels, labels

#: Characters of a state's message that an event repeats.
_LONGEST_MESSAGE: Final = 100_000
#: States that follow each other this closely are linked.
_TIGHT: Final = timedelta(minutes=5)
#: The kinds of creators that an event names.
_CREATORS: Final = {"DEPLOYMENT": "deployment", "AUTOMATION": "automation"}


@dataclass(frozen=True, slots=True)
class Named:
    """A related resource of a flow run."""

    id: str
    name: str
    tags: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """A flow run in its new state, and its former state."""

    run: Named
    run_count: int
    initial: State | None
    entered: State
    #: By kind (`flow`), in Prefect's order.
    related: Mapping[str, Named]
    created_by: CreatedBy | None


def body(change: StateChange, received: datetime) -> bytes:
    """The event as OBSERVED keeps it; its id is the state's, so that repetitions are equal."""
    entered, initial = change.entered, change.initial
    event = {
        "occurred": entered.timestamp,
        "event": f"prefect.flow-run.{entered.name}",
        "resource": _resource(change),
        "related": _related(change),
        "payload": {
            "intended": {"from": None if initial is None else initial.type.value, "to": entered.type.value},
            "initial_state": None if initial is None else _essence(initial),
            "validated_state": _essence(entered),
        },
        "id": entered.id,
        "follows": initial.id if initial is not None and _is_tight(initial, entered) else None,
        "received": received,
    }
    return orjson.dumps(event, option=orjson.OPT_UTC_Z)


def _resource(change: StateChange) -> Labels:
    entered = change.entered
    return labels("flow-run", change.run.id, change.run.name) | {
        "prefect.run-count": str(change.run_count),
        "prefect.state-message": _shortened(entered.message or ""),
        "prefect.state-name": entered.name,
        "prefect.state-timestamp": entered.timestamp.isoformat(),
        "prefect.state-type": entered.type.value,
    }


def _related(change: StateChange) -> list[Labels]:
    found = [labels(kind, item.id, item.name, kind) for kind, item in change.related.items()]
    tags = {tag for item in (change.run, *change.related.values()) for tag in item.tags}
    found += [labels("tag", tag, role="tag") for tag in sorted(tags)]
    creator = change.created_by
    if creator is not None and creator.type in _CREATORS:
        found.append(labels(_CREATORS[creator.type], creator.id, creator.display_value or None, "creator"))
    return found


def _essence(state: State) -> dict[str, Any]:
    essence = {"type": state.type.value}
    if state.name:
        essence["name"] = state.name
    if state.message:
        essence["message"] = _shortened(state.message)
    if state.type is StateType.PAUSED:
        essence["pause_reschedule"] = str(state.state_details.pause_reschedule).lower()
    return essence


def _is_tight(initial: State, entered: State) -> bool:
    return -_TIGHT < entered.timestamp - initial.timestamp < _TIGHT


def _shortened(message: str) -> str:
    """A message of limited length; Prefect shortens it twice, and so does this."""
    return _both_ends(_both_ends(message))


def _both_ends(message: str) -> str:
    if len(message) <= _LONGEST_MESSAGE:
        return message
    half = _LONGEST_MESSAGE // 2
    missing = len(message) - 2 * half
    shortened = f"{message[:half]}...{missing} additional characters...{message[-half:]}"
    return shortened if len(shortened) < len(message) else message
