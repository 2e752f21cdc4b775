"""What can be asked of a document, the same for every kind."""

from __future__ import annotations

from typing import Any, ClassVar

from events.message import Command


class CreateDocument(Command):
    """Create a document of one kind from `data`; the resource's model validates it."""

    VERB: ClassVar[str] = "create"
    CREATES: ClassVar[bool] = True

    data: dict[str, Any]


class UpdateDocument(Command):
    """Change the fields named in `changes`."""

    VERB: ClassVar[str] = "update"

    changes: dict[str, Any]


class DeleteDocument(Command):
    """Delete a document, and with it what depends on it."""

    VERB: ClassVar[str] = "delete"


class CreateFlow(CreateDocument):
    """Create a flow; if its name is taken, the outcome is that flow."""

    KIND: ClassVar[str] = "flow"


class UpdateFlow(UpdateDocument):
    """Change the tags of a flow."""

    KIND: ClassVar[str] = "flow"


class DeleteFlow(DeleteDocument):
    """Delete a flow and its runs."""

    KIND: ClassVar[str] = "flow"


class CreateFlowRunInput(CreateDocument):
    """Give a flow run an input under a key that it does not have yet."""

    KIND: ClassVar[str] = "flow_run_input"


class DeleteFlowRunInput(DeleteDocument):
    """Take an input of a flow run away."""

    KIND: ClassVar[str] = "flow_run_input"
