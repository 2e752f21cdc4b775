"""The events of documents.

Every kind of document has three events, `<kind>.created`, `<kind>.updated` and `<kind>.deleted`;
these names are stored in the log and never change: see docs/adr/0001.
"""

from __future__ import annotations

from typing import Any

from antiphon.events.message import Event


class DocumentCreated(Event):
    """A document exists, with `data` as its resource's model defines it."""

    data: dict[str, Any]


class DocumentUpdated(Event):
    """Fields of a document changed: `changes` holds the new values."""

    changes: dict[str, Any]


class DocumentDeleted(Event):
    """A document was deleted, with its dependents."""


class FlowCreated(DocumentCreated, type="flow.created"):
    """A flow exists: `name`, `tags`, `labels`."""


class FlowUpdated(DocumentUpdated, type="flow.updated"):
    """Tags of a flow changed."""


class FlowDeleted(DocumentDeleted, type="flow.deleted"):
    """A flow and its runs were deleted."""


class FlowRunInputCreated(DocumentCreated, type="flow_run_input.created"):
    """A flow run received an input: `flow_run_id`, `key`, `value` (JSON text), `sender`."""


class FlowRunInputUpdated(DocumentUpdated, type="flow_run_input.updated"):
    """An input of a flow run changed."""


class FlowRunInputDeleted(DocumentDeleted, type="flow_run_input.deleted"):
    """An input of a flow run was deleted."""


class VariableCreated(DocumentCreated, type="variable.created"):
    """A variable exists: `name`, `value` (any JSON value), `tags`."""


class VariableUpdated(DocumentUpdated, type="variable.updated"):
    """Fields of a variable changed."""


class VariableDeleted(DocumentDeleted, type="variable.deleted"):
    """A variable was deleted."""


class ArtifactCreated(DocumentCreated, type="artifact.created"):
    """An artifact exists: `key`, `type`, `description`, `data` (any JSON value), `metadata_`, the runs it is of."""


class ArtifactUpdated(DocumentUpdated, type="artifact.updated"):
    """Fields of an artifact changed."""


class ArtifactDeleted(DocumentDeleted, type="artifact.deleted"):
    """An artifact was deleted; an artifact of a state has no creation event."""


class DeploymentCreated(DocumentCreated, type="deployment.created"):
    """A deployment exists, with the fields of services/policy/kinds/deployment/model.py."""


class DeploymentUpdated(DocumentUpdated, type="deployment.updated"):
    """Fields of a deployment changed."""


class DeploymentDeleted(DocumentDeleted, type="deployment.deleted"):
    """A deployment was deleted; its runs stay."""
