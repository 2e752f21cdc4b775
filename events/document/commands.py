"""The commands for documents, the same for every kind."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from antiphon.events.message import Command


class CreateDocument(Command, verb="create", creates=True):
    """Create a document of one kind from `data`; the resource's model validates it."""

    data: dict[str, Any]


class UpdateDocument(Command, verb="update"):
    """Change the fields named in `changes`."""

    changes: dict[str, Any]


class DeleteDocument(Command, verb="delete"):
    """Delete a document and its dependents."""


class CreateFlow(CreateDocument, kind="flow"):
    """Create a flow; if its name is taken, the outcome is that flow."""


class UpdateFlow(UpdateDocument, kind="flow"):
    """Change the tags of a flow."""


class DeleteFlow(DeleteDocument, kind="flow"):
    """Delete a flow and its runs."""


class CreateFlowRunInput(CreateDocument, kind="flow_run_input"):
    """Give a flow run an input under a key that it does not have yet."""


class DeleteFlowRunInput(DeleteDocument, kind="flow_run_input"):
    """Delete an input of a flow run."""


class CreateVariable(CreateDocument, kind="variable"):
    """Create a variable; its name must be free."""


class UpdateVariable(UpdateDocument, kind="variable"):
    """Change fields of a variable, its name among them."""


class DeleteVariable(DeleteDocument, kind="variable"):
    """Delete a variable."""


class CreateArtifact(CreateDocument, kind="artifact"):
    """Create an artifact; it becomes the latest of its key."""


class UpdateArtifact(UpdateDocument, kind="artifact"):
    """Change the data, the description or the metadata of an artifact."""

    #: The runs of an artifact that a state's data created: the log knows it by its run alone (docs/adr/0015).
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class DeleteArtifact(DeleteDocument, kind="artifact"):
    """Delete an artifact; if it was the latest of its key, the one before it is again."""

    #: As in UpdateArtifact.
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class CreateDeployment(CreateDocument, kind="deployment"):
    """Create a deployment of a flow; if its name is taken within the flow, change that deployment instead.

    `data` holds only the given values: fields, and `concurrency_limit` (slots of a limit of its own) or
    `global_concurrency_limit_id`.
    """


class UpdateDeployment(UpdateDocument, kind="deployment"):
    """Change fields of a deployment, or its limit."""

    #: Refuse the change if the new parameters do not fit the new schema.
    checks_parameters: bool = True


class DeleteDeployment(DeleteDocument, kind="deployment"):
    """Delete a deployment and the limit that it created."""
