"""Projects presence: a message on OBSERVED holds a worker's heartbeat, its sign-off, or polled ids."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from antiphon.events import ids
from antiphon.events.json_bytes import without_nul
from antiphon.events.numbers import Number
from antiphon.projections.core.change import Change, Put, Statement
from antiphon.projections.core.table import Table

#: The name of their checkpoint and of their lock.
NAME: Final = "presence"

POLL: Final = Table("poll", {"id": "uuid", "created": "timestamptz", "updated": "timestamptz", "polled": "timestamptz"})


class Presence(BaseModel):
    """An observation of presence, with the time of the gateway's clock."""

    model_config = ConfigDict(extra="forbid")

    at: datetime
    work_pool_id: UUID | None = None
    #: A worker of that pool.
    worker: str | None = None
    heartbeat_interval_seconds: Number | None = None
    #: The worker has signed off.
    is_gone: bool = False
    #: The queues and deployments that a client polled for runs.
    polled: tuple[UUID, ...] = ()


def project(body: bytes) -> list[Change]:
    """The rows of one message; raises ValueError if it holds no presence."""
    try:
        seen = Presence.model_validate_json(without_nul(body))
    except ValidationError as error:
        raise ValueError(str(error)) from error
    polls = [
        Put(POLL, {"id": polled_id, "created": seen.at, "updated": seen.at, "polled": seen.at})
        for polled_id in seen.polled
    ]
    if seen.work_pool_id is None or seen.worker is None:
        return [*polls]
    worker_id = ids.worker_id(seen.work_pool_id, seen.worker)
    if seen.is_gone:
        return [*polls, Statement("delete_worker", {"id": worker_id})]
    heartbeat = {
        "id": worker_id,
        "at": seen.at,
        "pool": seen.work_pool_id,
        "name": seen.worker,
        "interval": seen.heartbeat_interval_seconds,
    }
    return [*polls, Statement("heartbeat", heartbeat)]
