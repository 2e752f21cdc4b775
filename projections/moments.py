"""Times in requests, read as Prefect reads them: a time without a zone is UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter, ValidationError

_ANY_TIME = TypeAdapter(datetime)


def _read(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        moment = _ANY_TIME.validate_python(value)
    except ValidationError:
        msg = f"Unable to parse string [{value}]"
        raise ValueError(msg) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


#: A time with a zone.
Moment = Annotated[datetime, BeforeValidator(_read)]
