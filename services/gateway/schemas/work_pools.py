"""Requests about work pools and queues."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from antiphon.events.numbers import Count, Priority
from antiphon.services.gateway.schemas.fields import Moment, ResourceName, StrictModel

_PLACEHOLDER: Final = re.compile(r"{{\s*([\w\.\-\[\]$]+)\s*}}")


def _not_empty(value: Any) -> Any:
    if isinstance(value, str) and not value.strip("' \""):
        msg = "name cannot be an empty string"
        raise ValueError(msg)
    return value


def _complete(template: dict[str, Any]) -> dict[str, Any]:
    """Refuse a template that uses undeclared variables."""
    if not template:
        return template
    configuration, variables = template.get("job_configuration"), template.get("variables")
    if not (configuration and variables):
        msg = "The `base_job_template` must contain both a `job_configuration` key and a `variables` key."
        raise ValueError(msg)
    if not (isinstance(configuration, dict) and isinstance(variables, dict)):
        msg = "`job_configuration` and `variables` are objects."
        raise ValueError(msg)  # noqa: TRY004  pydantic wants it so
    used = {name for value in configuration.values() for name in _PLACEHOLDER.findall(json.dumps(value))}
    properties = variables.get("properties", {})
    missing = used - set(properties if isinstance(properties, dict) else ())
    if missing:
        msg = (
            "The variables specified in the job configuration template must be present as properties in the variables"
            " schema. Your job configuration uses the following undeclared"
            f" variable(s): {' ,'.join(sorted(missing))}."
        )
        raise ValueError(msg)
    return template


PoolName = Annotated[ResourceName, BeforeValidator(_not_empty)]
Template = Annotated[dict[str, Any], AfterValidator(_complete)]


class StorageFields(StrictModel):
    """Prefect's WorkPoolStorageConfiguration."""

    bundle_upload_step: dict[str, Any] | None = None
    bundle_execution_step: dict[str, Any] | None = None
    default_result_storage_block_id: UUID | None = None


class WorkPoolCreate(StrictModel):
    """Prefect's WorkPoolCreate."""

    name: PoolName
    description: str | None = None
    type: str = "prefect-agent"
    base_job_template: Template = Field(default_factory=dict)
    is_paused: bool = False
    concurrency_limit: Count | None = None
    storage_configuration: StorageFields = Field(default_factory=StorageFields)


class WorkPoolUpdate(StrictModel):
    """Prefect's WorkPoolUpdate."""

    description: str | None = None
    is_paused: bool | None = None
    base_job_template: Template | None = None
    concurrency_limit: Count | None = None
    storage_configuration: StorageFields | None = None


class QueueFilterFields(BaseModel):
    """Prefect's QueueFilter."""

    tags: list[str] | None = None
    deployment_ids: list[UUID] | None = None


class WorkQueueCreate(StrictModel):
    """Prefect's WorkQueueCreate."""

    name: ResourceName
    description: str | None = ""
    is_paused: bool = False
    concurrency_limit: Count | None = None
    priority: Priority | None = None
    filter: QueueFilterFields | None = None


class WorkQueueUpdate(StrictModel):
    """Prefect's WorkQueueUpdate."""

    name: str | None = None
    description: str | None = None
    is_paused: bool = False
    concurrency_limit: Count | None = None
    priority: Priority | None = None
    last_polled: Moment | None = None
    filter: QueueFilterFields | None = None
