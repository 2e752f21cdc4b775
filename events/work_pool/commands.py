"""The commands for work pools and their queues."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from antiphon.events.document.commands import CreateDocument, DeleteDocument, UpdateDocument
from antiphon.events.message import Command

#: The pool of queues without a named pool.
DEFAULT_POOL: Final = "default-agent-pool"


class CreateWorkPool(CreateDocument, kind="work_pool"):
    """Create a work pool and its default queue; the name must be free."""


class UpdateWorkPool(UpdateDocument, kind="work_pool"):
    """Change fields of a work pool."""


class DeleteWorkPool(DeleteDocument, kind="work_pool"):
    """Delete a work pool and its queues."""


class CreateWorkQueue(Command, kind="work_pool", verb="create_queue"):
    """Create a queue in the pool; the default priority is the first free one."""

    queue_id: UUID
    data: dict[str, Any]


class UpdateWorkQueue(Command, kind="work_pool", verb="update_queue"):
    """Change fields of a queue."""

    queue_id: UUID
    changes: dict[str, Any]
    #: Shift the priorities of other queues if the new priority is taken.
    makes_room: bool = True


class DeleteWorkQueue(Command, kind="work_pool", verb="delete_queue"):
    """Delete a queue, if it is not the pool's default."""

    queue_id: UUID
