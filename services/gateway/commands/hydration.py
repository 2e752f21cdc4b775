"""Replaces placeholder objects by their values: JSON texts, templates, variables (docs/adr/0014)."""

from __future__ import annotations

from typing import Any

from anyio import BrokenWorkerProcess, to_process
from starlette.requests import HTTPConnection

from antiphon.projections.variable import queries
from antiphon.services.gateway.context import reading
from antiphon.services.gateway.http.body_parsing import refuse_unkeepable
from antiphon.services.prefect.placeholders import CPU_SECONDS, HydrationError, hydrate_in_bounds, preview
from antiphon.services.prefect.prefect_kind import is_dehydrated


async def hydrated(request: HTTPConnection, given: dict[str, Any]) -> Any:
    """The value of a JSON object after hydration, usually an object too; raises HydrationError."""
    if not is_dehydrated(given):
        return given
    variables = await _variables(request)
    try:
        made = await to_process.run_sync(hydrate_in_bounds, given, variables)
    except BrokenWorkerProcess as error:
        raise HydrationError(f"Invalid jinja: the templates take more than {CPU_SECONDS} s of CPU time") from error
    refuse_unkeepable(made)
    return made


async def hydrated_object(request: HTTPConnection, given: dict[str, Any]) -> dict[str, Any]:
    """The same, for a value that must be an object."""
    made = await hydrated(request, given)
    if not isinstance(made, dict):
        msg = f"{made!r} is not an object."
        raise HydrationError(msg)
    return made


async def hydrated_input(request: HTTPConnection, given: dict[str, Any] | None) -> dict[str, Any]:
    """The fields of ResumeFlowRun for an input: its value, or the reason why it has none."""
    try:
        return {"run_input": None if given is None else await hydrated(request, given)}
    except HydrationError as error:
        return {"input_error": f"Error hydrating run input: {error}"}


async def previewed(request: HTTPConnection, given: dict[str, Any]) -> Any:
    """The value of a JSON object without rendering templates: they become Unrendered, and errors become Invalid."""
    return preview(given, await _variables(request))


async def _variables(request: HTTPConnection) -> dict[str, Any]:
    async with reading(request) as connection:
        return await queries.values(connection)
