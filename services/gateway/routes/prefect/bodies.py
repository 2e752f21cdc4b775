"""Bodies of requests for lists: filters, order, limit, offset and page, each declared once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from inspect import Parameter, Signature
from typing import Annotated, Any, Final

from fastapi import Body, Depends
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from antiphon.projections.core.reading import LARGEST
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.filters.objects import (
    ArtifactFilter,
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    LogFilter,
    TaskRunFilter,
    VariableFilter,
    WorkPoolFilter,
    WorkQueueFilter,
)
from antiphon.services.gateway.http.errors import unprocessable

#: Prefect's `server.api.default_limit`: the default and the maximum.
_LIMIT: Final = 200

#: The values of a body by key.
Given = dict[str, Any]
#: The keys of a body, each with its type and its default, which also replaces null.
Keys = Mapping[str, tuple[Any, Any]]

#: The filter class of each key.
FILTERS: Final[Mapping[str, type]] = {
    "flows": FlowFilter,
    "flow_runs": FlowRunFilter,
    "task_runs": TaskRunFilter,
    "deployments": DeploymentFilter,
    "work_pools": WorkPoolFilter,
    "work_pool_queues": WorkQueueFilter,
    # Some requests use this name for the previous one.
    "work_queues": WorkQueueFilter,
    "logs": LogFilter,
    "variables": VariableFilter,
    "artifacts": ArtifactFilter,
}


async def _limit(limit: Annotated[int | None, Body()] = None) -> int:
    if limit is None:
        return _LIMIT
    if limit < 0:
        raise unprocessable("Invalid limit: must be greater than or equal to 0.")
    if limit > _LIMIT:
        raise unprocessable(f"Invalid limit: must be less than or equal to {_LIMIT}.")
    return limit


Limit = Annotated[int, Depends(_limit)]

#: A separate dependency, as in Prefect: an invalid limit is reported before any other error.
LIMIT: Final[Keys] = {"limit": (Limit, Parameter.empty)}


def defaults_to(default: Any) -> BeforeValidator:
    """An explicit null means the default, as on Prefect's server."""
    return BeforeValidator(lambda value: default if value is None else value)


def key(kind: Any, default: Any, **limits: Any) -> tuple[Any, Any]:
    """A key of a body with a default."""
    return Annotated[kind, Body(embed=True, **limits), defaults_to(default)], default


def _refuse_null(value: Any) -> Any:
    if value is None:
        raise PydanticCustomError("missing", "Field required")
    return value


#: To Prefect's server null is an absent value.
NOT_NULL: Final = BeforeValidator(_refuse_null)


def required(kind: Any) -> tuple[Any, Any]:
    """A required key of a body."""
    return Annotated[kind, Body(embed=True), NOT_NULL], Parameter.empty


Offset = Annotated[int, Body(ge=0, le=LARGEST), defaults_to(0)]

OFFSET: Final[Keys] = {"offset": (Offset, 0)}
PAGE: Final[Keys] = {"page": key(int, 1, ge=1)}
#: A page whose number the answer repeats.
Page = Annotated[int, Body(ge=1, le=LARGEST), defaults_to(1)]


def order(default: StrEnum) -> Keys:
    """The key `sort`."""
    return {"sort": key(type(default), default)}


def filters(*names: str) -> Keys:
    """The keys of filter objects."""
    return {name: (Annotated[FILTERS[name] | None, Body(embed=True)], None) for name in names}


def body(*keys: Keys) -> Callable[..., Awaitable[Given]]:
    """A FastAPI dependency that reads these keys; errors are reported in the order of the keys."""

    async def read(**given: Any) -> Given:
        return given

    # FastAPI takes the names and types of the fields from the signature.
    read.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind, default=default)
            for part in keys
            for name, (kind, default) in part.items()
        ]
    )
    return read


def criteria_of(given: Mapping[str, Any]) -> Criteria:
    """The filters among the values of a body."""
    found = {name: value for name, value in given.items() if name in FILTERS}
    if "work_queues" in found:
        found["work_pool_queues"] = found.pop("work_queues")
    return Criteria(**found)
