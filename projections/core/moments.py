"""Times in requests, parsed as by Prefect (a time without a zone is UTC), and the minutes and hours around them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, TypeAdapter, ValidationError

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
MICROSECOND: Final = timedelta(microseconds=1)

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


def floor(moment: datetime, length: timedelta) -> datetime:
    """The begin of the minute or hour that contains a moment, in UTC."""
    minute = moment.astimezone(UTC).replace(second=0, microsecond=0)
    return minute if length == MINUTE else minute.replace(minute=0)


def ceiling(moment: datetime, length: timedelta) -> datetime:
    """The begin of the first minute or hour that does not begin before a moment."""
    begin = floor(moment, length)
    return begin if begin == moment else begin + length
