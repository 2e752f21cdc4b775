"""The OpenAPI document of Prefect's API: what FastAPI finds out, and what it cannot see."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from antiphon.services.gateway.schemas.flow_runs import FlowRunCreate
from antiphon.services.gateway.schemas.states import SetStateBody

_SCHEMA: Final = "#/components/schemas/{model}"
#: The routes that read their bodies themselves, because they are called most, and what they read.
_HOT: Final[dict[str, tuple[str, type[BaseModel]]]] = {
    "/api/flow_runs/": ("Create", FlowRunCreate),
    "/api/flow_runs/{id}/set_state": ("Set State", SetStateBody),
    "/api/task_runs/{id}/set_state": ("Set State", SetStateBody),
}
_SUCCEEDED: Final = {"200": "Nothing was written.", "201": "It was written."}
_RUN_ID: Final = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}


class HTTPValidationError(BaseModel):
    """The answer to a request that is not as its route wants it; nothing has changed."""

    # It has the name of FastAPI's own, in whose place it stands in the document.
    exception_message: str
    exception_detail: list[dict[str, Any]] = Field(description="What is wrong, and where, in Pydantic's words.")
    request_body: Any = Field(description="The body as it was understood.")


class DescribedApi(FastAPI):
    """An application whose document has the hot routes too, and the errors as they are."""

    _completed: dict[str, Any] | None = None

    def openapi(self) -> dict[str, Any]:
        """The document; FastAPI makes it again when routes have been added."""
        document = super().openapi()
        if document is not self._completed:
            _complete(document)
            self._completed = document
        return document


def _complete(document: dict[str, Any]) -> None:
    models: dict[type[BaseModel], None] = dict.fromkeys([HTTPValidationError, *(model for _, model in _HOT.values())])
    _, made = models_json_schema([(model, "validation") for model in models], ref_template=_SCHEMA)
    schemas, paths = made["$defs"], document["paths"]
    invalid = HTTPValidationError.__name__
    components = document.setdefault("components", {})
    components["schemas"] = schemas | components.get("schemas", {}) | {invalid: schemas[invalid]}
    hot = {path: {**paths.get(path, {}), "post": _operation(path, *told)} for path, told in _HOT.items()}
    document["paths"] = hot | {path: told for path, told in paths.items() if path not in hot}


def _operation(path: str, summary: str, model: type[BaseModel]) -> dict[str, Any]:
    kind, *rest = path.removeprefix("/api/").strip("/").split("/")
    succeeded = {status: {"description": words} for status, words in _SUCCEEDED.items()}
    return {
        "summary": summary,
        "operationId": "_".join((rest[-1] if rest else "create", kind)),
        **({"parameters": [_RUN_ID]} if "{id}" in path else {}),
        "requestBody": {"required": True, "content": _json(model)},
        "responses": succeeded | {"422": {"description": "Validation Error", "content": _json(HTTPValidationError)}},
    }


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _SCHEMA.format(model=model.__name__)}}}
