"""Routes of Prefect's API that are not implemented yet: they answer 501, not 404."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from antiphon.services.gateway.http.errors import NOT_YET, JsonResponse

_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]

#: Resources without any route, and all paths below them.
_RESOURCES: Final = (
    "automations",
    "block_capabilities",
    "block_documents",
    "block_schemas",
    "block_types",
    "collections",
    "saved_searches",
    "task_workers",
    "templates",
    "ui",
)

#: Single routes of implemented resources.
_ROUTES: Final = (
    ("POST", "/flows/bulk_delete"),
    ("POST", "/deployments/bulk_delete"),
    ("POST", "/deployments/{id:uuid}/schedule"),
    ("POST", "/deployments/{id:uuid}/create_flow_run/bulk"),
    ("GET", "/deployments/{id:uuid}/work_queue_check"),
    ("GET", "/deployments/{id:uuid}/schedules"),
    ("POST", "/deployments/{id:uuid}/schedules"),
    ("PATCH", "/deployments/{id:uuid}/schedules/{schedule_id:uuid}"),
    ("DELETE", "/deployments/{id:uuid}/schedules/{schedule_id:uuid}"),
    ("POST", "/flow_runs/bulk_delete"),
    ("GET", "/admin/settings"),
    ("PUT", "/admin/storage"),
    ("DELETE", "/admin/storage"),
)

router = APIRouter(include_in_schema=False)


async def _not_yet() -> Response:
    return JsonResponse({"detail": NOT_YET}, 501)


for _method, _path in _ROUTES:
    router.add_api_route(_path, _not_yet, methods=[_method])
for _resource in _RESOURCES:
    router.add_api_route(f"/{_resource}", _not_yet, methods=_METHODS)
    router.add_api_route(f"/{_resource}/{{rest:path}}", _not_yet, methods=_METHODS)
