"""Requests about variables."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

import orjson
from pydantic import AfterValidator, BeforeValidator, Field

from antiphon.services.gateway.schemas.fields import StrictModel

#: Prefect's limits.
_LONGEST_NAME: Final = 255
_VALUE_BYTES: Final = 5000


def _plain(name: str) -> str:
    if re.fullmatch("[a-z0-9_-]*", name) is None:
        raise ValueError("Variable name must only contain lowercase letters, numbers, and dashes or underscores.")
    return name


def _storable(value: Any) -> Any:
    try:
        size = len(orjson.dumps(value))
    except orjson.JSONEncodeError as error:
        raise ValueError("Variable value must be serializable to JSON") from error
    if size > _VALUE_BYTES:
        msg = f"Variable value must be less than {_VALUE_BYTES} characters"
        raise ValueError(msg)
    return value


VariableName = Annotated[str, AfterValidator(_plain), Field(max_length=_LONGEST_NAME)]
VariableValue = Annotated[Any, BeforeValidator(_storable)]


class VariableCreate(StrictModel):
    """Prefect's VariableCreate."""

    name: VariableName
    value: VariableValue
    tags: list[str] = Field(default_factory=list)


class VariableUpdate(StrictModel):
    """Prefect's VariableUpdate: absent fields stay unchanged."""

    name: VariableName | None = None
    value: VariableValue = None
    tags: list[str] | None = None
