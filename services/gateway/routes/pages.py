"""What requests for many rows have in common: limits, offsets, pages, and filters on several kinds of object."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import ceil
from typing import Annotated, Any, Final

from fastapi import Body, Depends
from pydantic import BeforeValidator

from projections.filters.absent import WorkPoolFilter, WorkQueueFilter
from projections.filters.criteria import Criteria
from projections.filters.deployments import DeploymentFilter
from projections.filters.objects import FlowFilter, FlowRunFilter, TaskRunFilter
from services.gateway.errors import unprocessable

#: Prefect's `server.api.default_limit`: the default and the most.
_LIMIT: Final = 200
#: What PostgreSQL takes as an offset.
_LARGEST: Final = 2**63 - 1


def _limit(limit: Annotated[int | None, Body()] = None) -> int:
    if limit is None:
        return _LIMIT
    if limit < 0:
        raise unprocessable("Invalid limit: must be greater than or equal to 0.")
    if limit > _LIMIT:
        raise unprocessable(f"Invalid limit: must be less than or equal to {_LIMIT}.")
    return limit


Limit = Annotated[int, Depends(_limit)]


def defaults_to(default: Any) -> BeforeValidator:
    """An explicit null means the default, as Prefect's server has it."""
    return BeforeValidator(lambda value: default if value is None else value)


Offset = Annotated[int, Body(ge=0, le=_LARGEST), defaults_to(0)]
PageNumber = Annotated[int, Body(ge=1), defaults_to(1)]


def _criteria(
    flows: Annotated[FlowFilter | None, Body()] = None,
    flow_runs: Annotated[FlowRunFilter | None, Body()] = None,
    task_runs: Annotated[TaskRunFilter | None, Body()] = None,
    deployments: Annotated[DeploymentFilter | None, Body()] = None,
    work_pools: Annotated[WorkPoolFilter | None, Body()] = None,
    work_pool_queues: Annotated[WorkQueueFilter | None, Body()] = None,
) -> Criteria:
    return Criteria(
        flows=flows,
        flow_runs=flow_runs,
        task_runs=task_runs,
        deployments=deployments,
        work_pools=work_pools,
        work_pool_queues=work_pool_queues,
    )


FilterObjects = Annotated[Criteria, Depends(_criteria)]


async def paginated(
    find: Callable[[int, int], Awaitable[bytes]], count: Awaitable[int], page: int, limit: int
) -> bytes:
    """An answer of `paginate`; `find` is told limit and offset."""
    total = await count
    results = await find(limit, min((page - 1) * limit, _LARGEST))
    pages = ceil(total / limit) if limit else 0
    return b'{"results":%b,"count":%d,"limit":%d,"pages":%d,"page":%d}' % (results, total, limit, pages, page)
