"""Requests about flow runs."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from antiphon.events.flow_run.commands import CreateFlowRun
from antiphon.events.flow_run.events import CreatedBy, FlowRunChanges
from antiphon.events.flow_run.events import FlowRunPolicy as StoredPolicy
from antiphon.services.gateway.schemas.flows import Labels
from antiphon.services.gateway.schemas.policies import RetryPolicyFields
from antiphon.services.gateway.schemas.states import StateCreate
from antiphon.services.gateway.schemas.strict import StrictModel

#: Prefect's limit for the parameters of a run.
_PARAMETER_BYTES: Final = 524_288


class FlowRunPolicyFields(RetryPolicyFields):
    """Prefect's FlowRunPolicy."""

    retry_delay: int | None = None
    pause_keys: set[str] | None = Field(default_factory=set)
    resuming: bool | None = False
    retry_type: Literal["in_process", "reschedule"] | None = None

    def stored(self) -> StoredPolicy:
        """The policy in the form of events."""
        pause_keys = tuple(sorted(self.pause_keys)) if self.pause_keys is not None else None
        return StoredPolicy(**{**self.__dict__, "pause_keys": pause_keys})


def _not_too_large(parameters: dict[str, Any]) -> dict[str, Any]:
    size = len(json.dumps(parameters, default=str, separators=(",", ":")).encode())
    if size > _PARAMETER_BYTES:
        msg = f"Flow run parameters must be less than {_PARAMETER_BYTES:,} bytes when serialized (got {size:,} bytes)."
        raise ValueError(msg)
    return parameters


Parameters = Annotated[dict[str, Any], AfterValidator(_not_too_large)]


class FlowRunCreate(StrictModel):
    """Prefect's FlowRunCreate."""

    state: StateCreate | None = None
    name: str | None = None
    flow_id: UUID
    flow_version: str | None = None
    parameters: Parameters = Field(default_factory=dict)
    context: dict[str, Any] = Field(default_factory=dict)
    parent_task_run_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    empirical_policy: FlowRunPolicyFields = Field(default_factory=FlowRunPolicyFields)
    tags: list[str] = Field(default_factory=list)
    labels: Labels | None = Field(default_factory=dict)
    idempotency_key: str | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] | None = None
    deployment_id: UUID | None = None

    def command(self, created_by: CreatedBy | None, api_version: str | None = None) -> CreateFlowRun:
        """The command that creates the run."""
        values = {name: getattr(self, name) for name in self.model_fields_set - _CONVERTED}
        return CreateFlowRun(
            **values,
            # An empty name means a generated one, like no name.
            name=self.name or None,
            empirical_policy=self.empirical_policy.stored(),
            tags=tuple(self.tags),
            labels=self.labels or {},
            created_by=created_by,
            api_version=api_version,
            state=self.state.proposed() if self.state is not None else None,
        )


_CONVERTED = frozenset({"state", "name", "empirical_policy", "tags", "labels"})


class FlowRunUpdate(StrictModel):
    """Prefect's FlowRunUpdate."""

    name: str | None = None
    flow_version: str | None = None
    parameters: Parameters = Field(default_factory=dict)
    empirical_policy: FlowRunPolicyFields = Field(default_factory=FlowRunPolicyFields)
    tags: list[str] = Field(default_factory=list)
    infrastructure_pid: str | None = None
    job_variables: dict[str, Any] | None = None

    def changes(self) -> FlowRunChanges:
        """The fields of the request."""
        given = self.model_fields_set
        values: dict[str, Any] = {name: getattr(self, name) for name in given - {"empirical_policy", "tags"}}
        if "empirical_policy" in given:
            values["empirical_policy"] = self.empirical_policy.stored()
        if "tags" in given:
            values["tags"] = tuple(self.tags)
        return FlowRunChanges(**values)
