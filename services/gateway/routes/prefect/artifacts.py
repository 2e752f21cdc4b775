"""Routes of artifacts, and of the latest artifact of each key."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from antiphon.events import ids
from antiphon.events.document.commands import CreateArtifact, DeleteArtifact, UpdateArtifact
from antiphon.events.outcome import Status
from antiphon.projections.artifact import queries
from antiphon.projections.artifact.queries import ARTIFACTS, COLLECTIONS, LATEST
from antiphon.projections.filters.objects import ArtifactCollectionFilter
from antiphon.services.gateway.commands.decisions import created, decide, new_id, no_content
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse
from antiphon.services.gateway.routes.prefect.bodies import LIMIT, OFFSET, Keys, body, filters, order
from antiphon.services.gateway.routes.prefect.reads import add_count, add_filter, add_get, existing, queried
from antiphon.services.gateway.schemas.artifacts import ArtifactCreate, ArtifactUpdate

_MISSING: Final = "Artifact not found."
_AROUND: Final = filters("flow_runs", "task_runs", "flows", "deployments")
_OF_ARTIFACTS: Final = {**filters("artifacts"), **_AROUND}
_OF_LATEST: Final[Keys] = {"artifacts": (Annotated[ArtifactCollectionFilter | None, Body()], None), **_AROUND}
_ORDER: Final = order(ARTIFACTS.default_sort)

router = APIRouter(prefix="/artifacts", route_class=CheckedRoute)
add_filter(router, ARTIFACTS, body(LIMIT, _ORDER, OFFSET, _OF_ARTIFACTS))
add_count(router, ARTIFACTS, body(_OF_ARTIFACTS))
add_get(router, ARTIFACTS, _MISSING)
latest = APIRouter(prefix="/latest", route_class=CheckedRoute)
add_filter(latest, COLLECTIONS, body(LIMIT, _ORDER, OFFSET, _OF_LATEST))
add_count(latest, COLLECTIONS, body(_OF_LATEST))
router.include_router(latest)


@router.get("/{key}/latest")
async def read_latest(request: Request, key: str) -> Response:
    return JsonResponse(await existing(request, _MISSING, LATEST.get, ids.artifact_collection_id(key)))


@router.post("/")
async def create(request: Request, artifact: ArtifactCreate) -> Response:
    command = CreateArtifact(data=artifact.model_dump(mode="json"))
    return await created(request, await decide(request, new_id(request), command), ARTIFACTS.get)


@router.patch("/{id:uuid}", status_code=204)
async def update(request: Request, id: UUID, artifact: ArtifactUpdate) -> Response:
    return await _decided(request, id, UpdateArtifact(changes=artifact.changes()))


@router.delete("/{id:uuid}", status_code=204)
async def delete(request: Request, id: UUID) -> Response:
    return await _decided(request, id, DeleteArtifact())


async def _decided(request: Request, id: UUID, command: UpdateArtifact | DeleteArtifact) -> Response:
    decided = await decide(request, id, command)
    if decided.outcome.status is Status.NOT_FOUND:
        # Only the read model knows the run of an artifact that a state wrote. The refusal is recorded under the key of
        # the request, so this is a further command.
        runs = await queried(request, queries.runs_of, id)
        decided = await decide(request, id, command.changed(**(runs or {})), part="of a run")
    return no_content(decided, _MISSING)
