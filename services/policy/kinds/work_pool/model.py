"""The fields of work pools and queues."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import StringConstraints

from antiphon.events import ids
from antiphon.events.message import Moment, Payload
from antiphon.events.numbers import Count, Priority
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.kinds.document.resources import LONGEST_NAME

#: The type of Prefect's former agents, for the pool of queues without a named pool.
AGENT: Final = "prefect-agent"
#: Every new pool gets this queue.
DEFAULT_QUEUE: Final = {"name": "default", "description": "The work pool's default queue.", "priority": 1}


class Storage(Payload):
    """Where a pool's workers find code and leave results."""

    bundle_upload_step: dict[str, Any] | None = None
    bundle_execution_step: dict[str, Any] | None = None
    default_result_storage_block_id: UUID | None = None


class WorkPoolFields(Payload):
    """A stored work pool; its status follows from its workers, which are only observed."""

    name: Annotated[str, StringConstraints(pattern=r"^[^/%&><]+$", max_length=LONGEST_NAME)]
    description: str | None = None
    type: str = AGENT
    base_job_template: dict[str, Any] = {}
    is_paused: bool = False
    concurrency_limit: Count | None = None
    storage_configuration: Storage = Storage()
    default_queue_id: UUID


class QueueFilter(Payload):
    """The filter by which a queue of Prefect's former agents selects runs."""

    tags: tuple[str, ...] | None = None
    deployment_ids: tuple[UUID, ...] | None = None


class WorkQueueFields(Payload):
    """A stored queue."""

    name: Annotated[str, StringConstraints(max_length=LONGEST_NAME)]
    description: str = ""
    is_paused: bool = False
    concurrency_limit: Count | None = None
    priority: Priority
    filter: QueueFilter | None = None
    last_polled: Moment | None = None
    #: PAUSED for a paused queue; otherwise the status follows from polls.
    status: Literal["PAUSED"] | None = None


def name_of(name: object) -> Aggregate:
    """The reservation of a work pool's name."""
    return ids.name_aggregate("work_pool", str(name))
