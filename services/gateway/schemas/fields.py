"""The fields that requests of several kinds have, and the base of requests without unknown fields."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

from antiphon.events.message import with_zone
from antiphon.projections.core import moments


class StrictModel(BaseModel):
    """A model without unknown fields."""

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """The fields of the request."""
        return {name: getattr(self, name) for name in self.model_fields_set}

    def changes(self) -> dict[str, Any]:
        """The same as JSON."""
        return self.model_dump(mode="json", exclude_unset=True)


def _finite(value: Any) -> Any:
    """Refuse values that JSON would store as null, in a number, a list of numbers, or the values of labels."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,)
    if any(isinstance(item, float) and not isfinite(item) for item in inner):
        msg = "numbers must be finite"
        raise ValueError(msg)
    return value


#: A time with a zone, within the years 1 to 9999 in UTC.
Moment = Annotated[moments.Moment, AfterValidator(with_zone)]
#: Python's parser accepts `NaN` and `1e999`, which are not JSON. Pydantic's `allow_inf_nan=False`
#: would rename the branches of a union in error messages.
FINITE: Final = AfterValidator(_finite)
Labels = Annotated[dict[str, bool | int | float | str], FINITE]
#: Null means no labels.
GivenLabels = Annotated[Labels | None, AfterValidator(lambda labels: labels or {})]
#: Prefect forbids these characters, because names are parts of paths.
ResourceName = Annotated[str, StringConstraints(pattern=r"^[^/%&><]+$")]


class RetryPolicyFields(BaseModel):
    """The oldest fields of a retry policy; the first two are the defaults of their successors."""

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

    @model_validator(mode="after")
    def _whole(self) -> Self:
        # It replaces the policy that a run has: messages contain the fields that are set.
        self.model_fields_set.update(type(self).model_fields)
        return self
