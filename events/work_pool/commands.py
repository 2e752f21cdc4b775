"""The commands for work pools and their queues."""

from __future__ import annotations

from typing import Any, ClassVar, Final
from uuid import UUID

from antiphon.events.document.commands import CreateDocument, DeleteDocument, UpdateDocument
from antiphon.events.message import Command

#: The pool of queues without a named pool.
DEFAULT_POOL: Final = "default-agent-pool"


class CreateWorkPool(CreateDocument):
    """Create a work pool and its default queue; the name must be free."""

    KIND: ClassVar[str] = "work_pool"


class UpdateWorkPool(UpdateDocument):
    """Change fields of a work pool."""

    KIND: ClassVar[str] = "work_pool"


class DeleteWorkPool(DeleteDocument):
    """Delete a work pool and its queues."""

    KIND: ClassVar[str] = "work_pool"


class CreateWorkQueue(Command):
    """Create a queue in the pool; the default priority is the first free one."""

    KIND: ClassVar[str] = "work_pool"
    VERB: ClassVar[str] = "create_queue"

    queue_id: UUID
    data: dict[str, Any]


class UpdateWorkQueue(Command):
    """Change fields of a queue."""

    KIND: ClassVar[str] = "work_pool"
    VERB: ClassVar[str] = "update_queue"

    queue_id: UUID
    changes: dict[str, Any]
    #: Shift the priorities of other queues if the new priority is taken.
    makes_room: bool = True


class DeleteWorkQueue(Command):
    """Delete a queue, if it is not the pool's default."""

    KIND: ClassVar[str] = "work_pool"
    VERB: ClassVar[str] = "delete_queue"

    queue_id: UUID
