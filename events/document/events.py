"""The events of documents.

Every kind of document has three events, `<kind>.created`, `<kind>.updated` and `<kind>.deleted`;
these names are stored in the log and never change: see docs/adr/0001.
"""

from __future__ import annotations

from typing import Any, ClassVar

from antiphon.events.message import Event


class DocumentCreated(Event):
    """A document exists, with `data` as its resource's model defines it."""

    data: dict[str, Any]


class DocumentUpdated(Event):
    """Fields of a document changed: `changes` holds the new values."""

    changes: dict[str, Any]


class DocumentDeleted(Event):
    """A document was deleted, with its dependents."""


class FlowCreated(DocumentCreated):
    """A flow exists: `name`, `tags`, `labels`."""

    TYPE: ClassVar[str] = "flow.created"


class FlowUpdated(DocumentUpdated):
    """Tags of a flow changed."""

    TYPE: ClassVar[str] = "flow.updated"


class FlowDeleted(DocumentDeleted):
    """A flow and its runs were deleted."""

    TYPE: ClassVar[str] = "flow.deleted"


class FlowRunInputCreated(DocumentCreated):
    """A flow run received an input: `flow_run_id`, `key`, `value` (JSON text), `sender`."""

    TYPE: ClassVar[str] = "flow_run_input.created"


class FlowRunInputUpdated(DocumentUpdated):
    """An input of a flow run changed."""

    TYPE: ClassVar[str] = "flow_run_input.updated"


class FlowRunInputDeleted(DocumentDeleted):
    """An input of a flow run was deleted."""

    TYPE: ClassVar[str] = "flow_run_input.deleted"


class VariableCreated(DocumentCreated):
    """A variable exists: `name`, `value` (any JSON value), `tags`."""

    TYPE: ClassVar[str] = "variable.created"


class VariableUpdated(DocumentUpdated):
    """Fields of a variable changed."""

    TYPE: ClassVar[str] = "variable.updated"


class VariableDeleted(DocumentDeleted):
    """A variable was deleted."""

    TYPE: ClassVar[str] = "variable.deleted"


class ArtifactCreated(DocumentCreated):
    """An artifact exists: `key`, `type`, `description`, `data` (any JSON value), `metadata_`, the runs it is of."""

    TYPE: ClassVar[str] = "artifact.created"


class ArtifactUpdated(DocumentUpdated):
    """Fields of an artifact changed."""

    TYPE: ClassVar[str] = "artifact.updated"


class ArtifactDeleted(DocumentDeleted):
    """An artifact was deleted; an artifact of a state has no creation event."""

    TYPE: ClassVar[str] = "artifact.deleted"


class DeploymentCreated(DocumentCreated):
    """A deployment exists, with the fields of services/policy/kinds/deployment/model.py."""

    TYPE: ClassVar[str] = "deployment.created"


class DeploymentUpdated(DocumentUpdated):
    """Fields of a deployment changed."""

    TYPE: ClassVar[str] = "deployment.updated"


class DeploymentDeleted(DocumentDeleted):
    """A deployment was deleted; its runs stay."""

    TYPE: ClassVar[str] = "deployment.deleted"
