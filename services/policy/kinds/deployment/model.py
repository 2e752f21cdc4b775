"""The fields of a deployment."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from antiphon.events.message import Moment, Payload
from antiphon.events.outcome import Status
from antiphon.services.policy.engine.refusals import RefusedError
from antiphon.services.policy.kinds.document.resources import LONGEST_NAME
from antiphon.services.prefect.json_schema import CIRCULAR, problem


class ConcurrencyOptions(Payload):
    """The fate of a run without a slot, and how long a slot is kept for a PENDING run."""

    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]
    grace_period_seconds: Annotated[int, Field(ge=60, le=86_400)] | None = None


class Deployment(Payload):
    """A stored deployment; its limit is an aggregate of its own."""

    name: Annotated[str, StringConstraints(pattern=r"^[^/%&><]+$", max_length=LONGEST_NAME)]
    flow_id: UUID
    version: str | None = None
    description: str | None = None
    paused: bool = False
    concurrency_limit_id: UUID | None = None
    concurrency_options: ConcurrencyOptions | None = None
    job_variables: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    tags: tuple[str, ...] = ()
    labels: dict[str, bool | int | float | str] = {}
    work_queue_name: str | None = None
    work_queue_id: UUID | None = None
    #: The pool of that queue; the pool or the queue may have been deleted.
    work_pool_id: UUID | None = None
    last_polled: Moment | None = None
    parameter_openapi_schema: dict[str, Any] | None = {}
    path: str | None = None
    pull_steps: tuple[dict[str, Any], ...] | None = ()
    entrypoint: str | None = None
    enforce_parameter_schema: bool = True
    status: Literal["READY", "NOT_READY"] = "NOT_READY"


_NO_SCHEMA: Final = (
    "Error updating deployment: Cannot update parameters because parameter schema enforcement is enabled and the"
    " deployment does not have a valid parameter schema."
)


def check_parameters(parameters: dict[str, Any], schema: Any, doing: str, *, ignore_required: bool = False) -> None:
    """Refuse parameters that do not fit a deployment's schema, in Prefect's words."""
    if not isinstance(schema, dict):
        raise RefusedError(Status.CONFLICT, _NO_SCHEMA)
    found = problem(parameters, schema, ignore_required=ignore_required)
    if found is not None:
        raise RefusedError(Status.CONFLICT, found if found == CIRCULAR else f"Error {doing}: {found}")
