"""The fields of work pools and queues."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from antiphon.events import ids
from antiphon.events.message import Moment, Payload
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.kinds.document.resources import LONGEST_NAME

#: The type of the pool of queues that are named without one: that of Prefect's former agents.
AGENT: Final = "prefect-agent"
#: What is made with every pool.
DEFAULT_QUEUE: Final = {"name": "default", "description": "The work pool's default queue.", "priority": 1}

#: What a 32-bit column holds.
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Priority = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Storage(Payload):
    """Where a pool's workers find code and leave results."""

    bundle_upload_step: dict[str, Any] | None = None
    bundle_execution_step: dict[str, Any] | None = None
    default_result_storage_block_id: UUID | None = None


class WorkPoolFields(Payload):
    """A work pool as it is kept; whether it is ready follows from its workers, who are only observed."""

    name: Annotated[str, StringConstraints(pattern=r"^[^/%&><]+$", max_length=LONGEST_NAME)]
    description: str | None = None
    type: str = AGENT
    base_job_template: dict[str, Any] = {}
    is_paused: bool = False
    concurrency_limit: Count | None = None
    storage_configuration: Storage = Storage()
    default_queue_id: UUID


class QueueFilter(Payload):
    """What a queue of Prefect's former agents takes runs by."""

    tags: tuple[str, ...] | None = None
    deployment_ids: tuple[UUID, ...] | None = None


class WorkQueueFields(Payload):
    """A queue as it is kept."""

    name: Annotated[str, StringConstraints(max_length=LONGEST_NAME)]
    description: str = ""
    is_paused: bool = False
    concurrency_limit: Count | None = None
    priority: Priority
    filter: QueueFilter | None = None
    last_polled: Moment | None = None
    #: PAUSED once somebody has paused it; otherwise it follows from who polls it.
    status: Literal["PAUSED"] | None = None


def name_of(name: object) -> Aggregate:
    """The reservation of a work pool's name."""
    return ids.name_aggregate("work_pool", str(name))
