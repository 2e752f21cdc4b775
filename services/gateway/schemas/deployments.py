"""Requests about deployments."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from antiphon.events.flow_run.commands import CreateFlowRun
from antiphon.events.limit.slots import Slots
from antiphon.services.gateway.http.errors import absent
from antiphon.services.gateway.schemas.fields import GivenLabels, Labels, ResourceName, StrictModel
from antiphon.services.gateway.schemas.flow_runs import FlowRunPolicyFields, Parameters
from antiphon.services.gateway.schemas.states import StateCreate
from antiphon.services.prefect.json_schema import BAD_SCHEMA, problem

#: Fields of Prefect 2, which are ignored.
_FORMER: Final = ("worker_pool_queue_id", "worker_pool_name", "worker_pool_queue_name", "work_pool_queue_name")
_BOTH_LIMITS: Final = "A deployment cannot have both a concurrency limit and a global concurrency limit."
_BAD_SCHEMA: Final = "The provided schema is not a valid json schema. Schema error:"
#: Fields of requests that are not stored with a deployment.
_NOT_KEPT: Final = frozenset({"schedules", "storage_document_id", "infrastructure_document_id", "version_info"})


class CollisionStrategy(StrEnum):
    """Prefect's ConcurrencyLimitStrategy."""

    ENQUEUE = "ENQUEUE"
    CANCEL_NEW = "CANCEL_NEW"


class ConcurrencyOptionsFields(BaseModel):
    """Prefect's ConcurrencyOptions."""

    collision_strategy: CollisionStrategy
    grace_period_seconds: Annotated[int | None, Field(ge=60, le=86_400)] = None


class VersionInfo(BaseModel):
    """Prefect's VersionInfo: accepted, and without effect outside Prefect Cloud."""

    model_config = ConfigDict(extra="allow")

    type: str
    version: str


def _refuse_two_limits(values: dict[str, Any]) -> None:
    if values.get("concurrency_limit") and values.get("global_concurrency_limit_id"):
        raise ValueError(_BOTH_LIMITS)


class _DeploymentFields(StrictModel):
    #: For these, null counts as absent.
    NOT_NULL: ClassVar[frozenset[str]]

    paused: bool = False
    #: There is no scheduler yet: a schedule is answered with 501.
    schedules: list[dict[str, Any]] | None = Field(default_factory=list)
    concurrency_limit: Slots | None = None
    concurrency_options: ConcurrencyOptionsFields | None = None
    global_concurrency_limit_id: UUID | None = None
    tags: list[str] = Field(default_factory=list)
    pull_steps: list[dict[str, Any]] | None = None
    work_queue_name: str | None = None
    work_pool_name: str | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    description: str | None = None
    path: str | None = None
    version: str | None = None
    entrypoint: str | None = None
    version_info: VersionInfo | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_former_fields(cls, values: Any) -> Any:
        if isinstance(values, dict):
            _refuse_two_limits(values)
            return {name: value for name, value in values.items() if name not in _FORMER}
        return values

    def fields(self) -> dict[str, Any]:
        """The fields of the request, as the command takes them."""
        if self.schedules:
            raise absent()
        values = self.model_dump(mode="json", exclude_unset=True, exclude=set(_NOT_KEPT))
        return {name: value for name, value in values.items() if value is not None or name not in self.NOT_NULL}


class DeploymentCreate(_DeploymentFields):
    """Prefect's DeploymentCreate."""

    NOT_NULL = frozenset({"work_pool_name"})

    name: ResourceName
    flow_id: UUID
    enforce_parameter_schema: bool = True
    parameter_openapi_schema: dict[str, Any] | None = None
    parameters: Parameters = Field(default_factory=dict)
    labels: Labels | None = Field(default_factory=dict)
    job_variables: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _checked_parameters(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        _refuse_two_limits(values)
        parameters = values.get("parameters", {})
        schema = values.get("parameter_openapi_schema")
        if values.get("enforce_parameter_schema") and schema is not None and isinstance(parameters, dict):
            found = problem(parameters, schema, ignore_required=True)
            if found is not None:
                raise ValueError(found.replace(BAD_SCHEMA, _BAD_SCHEMA))
        # Prefect adds it to the input; the answer to an invalid request quotes the input with it.
        values["parameters"] = parameters
        return values


class DeploymentUpdate(_DeploymentFields):
    """Prefect's DeploymentUpdate."""

    NOT_NULL = frozenset({"parameters", "enforce_parameter_schema", "parameter_openapi_schema", "job_variables"})

    enforce_parameter_schema: bool | None = None
    parameter_openapi_schema: dict[str, Any] | None = None
    parameters: Parameters | None = None
    job_variables: dict[str, Any] | None = None


class DeploymentFlowRunCreate(StrictModel):
    """Prefect's DeploymentFlowRunCreate."""

    state: StateCreate | None = None
    name: str | None = None
    parameters: Parameters = Field(default_factory=dict)
    enforce_parameter_schema: bool | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    infrastructure_document_id: UUID | None = None
    empirical_policy: FlowRunPolicyFields = Field(default_factory=FlowRunPolicyFields)
    tags: list[str] = Field(default_factory=list)
    idempotency_key: str | None = None
    labels: GivenLabels = None
    parent_task_run_id: UUID | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] | None = Field(default_factory=dict)

    def command(self, deployment_id: UUID, flow_id: UUID) -> CreateFlowRun:
        """The command that creates the run."""
        given = self.given() | {"job_variables": self.job_variables}
        return CreateFlowRun(**given, flow_id=flow_id, deployment_id=deployment_id, from_deployment=True)
