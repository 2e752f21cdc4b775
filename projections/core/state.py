"""The columns of states and run fields that flow runs and task runs share."""

from __future__ import annotations

from typing import Final

from antiphon.events.state import RunProgress, State, is_unpersisted
from antiphon.projections.core.change import Row

#: The columns of a state history; each history adds the id of its run.
STATE_COLUMNS: Final = {"id": "uuid", "timestamp": "timestamptz", "state": "json"}

#: The characters of a state's name that its run's row has, for indexes: `state` has the whole name.
_LONGEST_NAME: Final = 500


def state_row(state: State) -> Row:
    """The columns of a run that describe its state; `state` has the form of Prefect's API."""
    return {
        "state_id": state.id,
        "state_type": state.type.value,
        "state_name": state.name[:_LONGEST_NAME],
        "state_timestamp": state.timestamp,
        # Prefect too drops the marker of a result that was not persisted.
        "state": state.model_dump(mode="json") | ({"data": None} if is_unpersisted(state.data) else {}),
    }


def progress_row(progress: RunProgress) -> Row:
    """The columns of a run that its transitions compute."""
    return {name: getattr(progress, name) for name in RunProgress.model_fields}
