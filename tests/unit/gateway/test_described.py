"""The OpenAPI document has what FastAPI cannot see, whenever it is made."""

from __future__ import annotations

from antiphon.services.gateway.fast_path.openapi import DescribedApi


def test_the_document_is_made_once_and_again_when_a_route_is_added() -> None:
    app = DescribedApi()
    document = app.openapi()
    assert app.openapi() is document
    assert set(document["paths"]["/api/flow_runs/"]) == {"post"}

    @app.get("/api/task_runs/{id}/set_state")
    async def added(id: int) -> int:
        return id

    later = app.openapi()
    assert set(later["paths"]["/api/task_runs/{id}/set_state"]) == {"get", "post"}
    assert "exception_message" in later["components"]["schemas"]["HTTPValidationError"]["properties"]
    assert "ValidationError" in later["components"]["schemas"]
