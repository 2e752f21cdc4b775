"""The OpenAPI document of Prefect's API, with Prefect's form of invalid requests."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field


class HTTPValidationError(BaseModel):
    """The answer to an invalid request; nothing has changed."""

    # It replaces FastAPI's schema of the same name.
    exception_message: str
    exception_detail: list[dict[str, Any]] = Field(description="Each error and its place, in Pydantic's words.")
    request_body: Any = Field(description="The body as it was understood.")


class PrefectApi(FastAPI):
    """An application that describes its errors as they are."""

    def openapi(self) -> dict[str, Any]:
        """The document."""
        document = super().openapi()
        document["components"]["schemas"][HTTPValidationError.__name__] = HTTPValidationError.model_json_schema()
        return document
