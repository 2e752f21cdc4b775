"""States and run fields as columns, the same for flow runs and task runs."""

from __future__ import annotations

from typing import Final

from antiphon.events.state import Progress, State, is_unpersisted
from antiphon.projections.core.change import Row

#: The columns of a state history, beside the run it belongs to.
STATE_COLUMNS: Final = {"id": "uuid", "timestamp": "timestamptz", "state": "jsonb"}


def state_row(state: State) -> Row:
    """The columns of a run that tell its state; `state` is what Prefect's API returns."""
    return {
        "state_id": state.id,
        "state_type": state.type.value,
        "state_name": state.name,
        "state_timestamp": state.timestamp,
        # A note that a result was not persisted is not kept, as by Prefect.
        "state": state.model_dump(mode="json") | ({"data": None} if is_unpersisted(state.data) else {}),
    }


def progress_row(progress: Progress) -> Row:
    """The columns of a run that its transitions compute."""
    return {name: getattr(progress, name) for name in Progress.model_fields}
