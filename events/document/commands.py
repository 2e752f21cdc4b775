"""The commands for documents, the same for every kind."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from antiphon.events.message import Command


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
    """Delete a document and its dependents."""

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
    """Delete an input of a flow run."""

    KIND: ClassVar[str] = "flow_run_input"


class CreateVariable(CreateDocument):
    """Create a variable; its name must be free."""

    KIND: ClassVar[str] = "variable"


class UpdateVariable(UpdateDocument):
    """Change fields of a variable, its name among them."""

    KIND: ClassVar[str] = "variable"


class DeleteVariable(DeleteDocument):
    """Delete a variable."""

    KIND: ClassVar[str] = "variable"


class CreateArtifact(CreateDocument):
    """Create an artifact; it becomes the latest of its key."""

    KIND: ClassVar[str] = "artifact"


class UpdateArtifact(UpdateDocument):
    """Change the data, the description or the metadata of an artifact."""

    KIND: ClassVar[str] = "artifact"

    #: The runs of an artifact that a state's data created: the log knows it by its run alone (docs/adr/0015).
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class DeleteArtifact(DeleteDocument):
    """Delete an artifact; if it was the latest of its key, the one before it is again."""

    KIND: ClassVar[str] = "artifact"

    #: As in UpdateArtifact.
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class CreateDeployment(CreateDocument):
    """Create a deployment of a flow; if its name is taken within the flow, change that deployment instead.

    `data` holds only the given values: fields, and `concurrency_limit` (slots of a limit of its own) or
    `global_concurrency_limit_id`.
    """

    KIND: ClassVar[str] = "deployment"


class UpdateDeployment(UpdateDocument):
    """Change fields of a deployment, or its limit."""

    KIND: ClassVar[str] = "deployment"

    #: Refuse the change if the new parameters do not fit the new schema.
    checks_parameters: bool = True


class DeleteDeployment(DeleteDocument):
    """Delete a deployment and the limit that it created."""

    KIND: ClassVar[str] = "deployment"
