"""The route with which the web UI validates a form while the user fills it in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from antiphon.services.gateway.commands.hydration import previewed
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, unprocessable
from antiphon.services.prefect.json_schema import BadSchemaError, Misfit, misfits

router = APIRouter(prefix="/ui/schemas", route_class=CheckedRoute)


@router.post("/validate")
async def validate(
    request: Request,
    json_schema: Annotated[dict[str, Any], Body(alias="schema")],
    values: Annotated[dict[str, Any], Body()],
) -> Response:
    try:
        found = misfits(await previewed(request, values), json_schema)
    except BadSchemaError as error:
        raise unprocessable(str(error)) from error
    errors = as_tree(found)
    return JsonResponse({"errors": errors, "valid": not errors})


def as_tree(found: list[Misfit]) -> list[Any]:
    """The errors as Prefect's UI takes them: below the property or the index that they are about."""
    errors: list[Any] = []
    for misfit in found:
        if not misfit.path:
            errors.append(misfit.message)
            continue
        *above, last = misfit.path
        level = errors
        for part in above:
            level = _below(level, part)
        level.append(_entry(last, [misfit.message]))
    return errors


def _entry(part: str | int, errors: list[Any]) -> dict[str, Any]:
    return {"index" if isinstance(part, int) else "property": part, "errors": errors}


def _below(level: list[Any], part: str | int) -> list[Any]:
    """The errors below a part of the values; adds the entry if its level has none."""
    key = "index" if isinstance(part, int) else "property"
    for entry in level:
        if isinstance(entry, dict) and entry.get(key) == part:
            found: list[Any] = entry["errors"]
            return found
    made: list[Any] = []
    level.append(_entry(part, made))
    return made
