"""Times that can be stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator

from antiphon.projections.core import moments


def _storable(moment: datetime) -> datetime:
    try:
        moment.astimezone(UTC)
    except OverflowError:
        # PostgreSQL stores it, but psycopg cannot read it.
        msg = "the time is outside the years 1 to 9999 in UTC"
        raise ValueError(msg) from None
    return moment


#: A time with a zone, within the years 1 to 9999 in UTC.
Moment = Annotated[moments.Moment, AfterValidator(_storable)]
