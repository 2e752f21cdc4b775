"""Requests about flow runs."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from antiphon.events.flow_run.events import FlowRunPolicy
from antiphon.services.gateway.schemas.fields import GivenLabels, RetryPolicyFields, StrictModel
from antiphon.services.gateway.schemas.states import StateCreate

#: Prefect's limit for the parameters of a run.
_PARAMETER_BYTES: Final = 524_288


def _in_order(keys: set[str]) -> tuple[str, ...]:
    return tuple(sorted(keys))


class FlowRunPolicyFields(RetryPolicyFields, FlowRunPolicy):
    """Prefect's FlowRunPolicy."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=True)

    pause_keys: Annotated[set[str], AfterValidator(_in_order)] | None = Field(default_factory=tuple)  # type: ignore[assignment]


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
    labels: GivenLabels = Field(default_factory=dict)
    idempotency_key: str | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] | None = None
    deployment_id: UUID | None = None


class FlowRunUpdate(StrictModel):
    """Prefect's FlowRunUpdate."""

    name: str | None = None
    flow_version: str | None = None
    parameters: Parameters = Field(default_factory=dict)
    empirical_policy: FlowRunPolicyFields = Field(default_factory=FlowRunPolicyFields)
    tags: list[str] = Field(default_factory=list)
    infrastructure_pid: str | None = None
    job_variables: dict[str, Any] | None = None
