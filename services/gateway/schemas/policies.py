"""The common part of the retry policies of flow runs and task runs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, model_validator

from antiphon.services.gateway.schemas.numbers import FINITE


class RetryPolicyFields(BaseModel):
    """The oldest fields of a policy; the first two are the defaults of their successors."""

    max_retries: int = 0
    retry_delay_seconds: Annotated[float, FINITE] = 0
    retries: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_deprecated(cls, values: Any) -> Any:
        # Changes its argument, as Prefect does: the answer to an invalid request quotes the changed policy.
        if isinstance(values, dict):
            if not values.get("retries") and values.get("max_retries", 0) != 0:
                values["retries"] = values["max_retries"]
            if not values.get("retry_delay") and values.get("retry_delay_seconds", 0) != 0:
                values["retry_delay"] = values["retry_delay_seconds"]
        return values
