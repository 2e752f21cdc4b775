"""Requests about task runs."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from antiphon.events.task_run.commands import CreateTaskRun
from antiphon.events.task_run.events import TaskRunPolicy
from antiphon.services.gateway.schemas.fields import FINITE, GivenLabels, Moment, RetryPolicyFields, StrictModel
from antiphon.services.gateway.schemas.states import StateCreate

_MOST_DELAYS: Final = 50
_LONGEST_CACHE_KEY: Final = 2000


def _few_delays(delay: float | list[int] | list[float] | None) -> float | tuple[float, ...] | None:
    if not isinstance(delay, list):
        return delay
    if len(delay) > _MOST_DELAYS:
        msg = f"Can not configure more than {_MOST_DELAYS} retry delays per task."
        raise ValueError(msg)
    return tuple(delay)


def _not_negative(factor: float | None) -> float | None:
    if factor is not None and factor < 0:
        msg = "`retry_jitter_factor` must be >= 0."
        raise ValueError(msg)
    return factor


def _short_cache_key(key: str | None) -> str | None:
    if key is not None and len(key) > _LONGEST_CACHE_KEY:
        msg = f"Cache key exceeded maximum allowed length of {_LONGEST_CACHE_KEY} characters."
        raise ValueError(msg)
    return key


class TaskRunPolicyFields(RetryPolicyFields, TaskRunPolicy):
    """Prefect's TaskRunPolicy."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=True)

    retry_delay: Annotated[int | float | list[int] | list[float] | None, FINITE, AfterValidator(_few_delays)] = None  # type: ignore[assignment]
    retry_jitter_factor: Annotated[float | None, AfterValidator(_not_negative), FINITE] = None


class TaskRunResult(BaseModel):
    """An input that is the result of another task run."""

    input_type: Literal["task_run"] = "task_run"
    id: UUID


class FlowRunResult(BaseModel):
    """An input that is the result of a flow run."""

    input_type: Literal["flow_run"] = "flow_run"
    id: UUID


class Parameter(BaseModel):
    """An input that is a parameter of the flow run."""

    input_type: Literal["parameter"] = "parameter"
    name: str


class Constant(BaseModel):
    """An input that is a constant value."""

    input_type: Literal["constant"] = "constant"
    type: str


TaskInput = TaskRunResult | FlowRunResult | Parameter | Constant


class TaskRunCreate(StrictModel):
    """Prefect's TaskRunCreate."""

    id: UUID | None = None
    state: StateCreate | None = None
    name: str | None = None
    flow_run_id: UUID | None = None
    task_key: str
    dynamic_key: str
    cache_key: Annotated[str | None, AfterValidator(_short_cache_key)] = None
    cache_expiration: Moment | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicyFields = Field(default_factory=TaskRunPolicyFields)
    tags: list[str] = Field(default_factory=list)
    labels: GivenLabels = Field(default_factory=dict)
    task_inputs: dict[str, list[TaskInput]] = Field(default_factory=dict)

    def command(self) -> CreateTaskRun:
        """The command that creates the run."""
        given = self.given() | self.model_dump(mode="json", include={"task_inputs"})
        given.pop("id", None)
        return CreateTaskRun(**given)


class TaskRunUpdate(StrictModel):
    """Prefect's TaskRunUpdate."""

    name: str | None = None
