"""The base of requests that Prefect refuses if they have unknown fields."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """A model without unknown fields."""

    model_config = ConfigDict(extra="forbid")
