"""Numbers that columns of the read models can hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field

#: The largest integer of 32 bits, as most columns have them.
LARGEST: Final = 2**31 - 1
#: The largest integer that every reader of JSON keeps.
_LARGEST_IN_JSON: Final = 2**53
_LONGEST_SECONDS: Final = 8e13

#: A column of 64 bits holds sums of such numbers.
Sum = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Number = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Priority = Annotated[int, Field(gt=0, le=LARGEST)]


def _within_json(count: int) -> int:
    return max(-_LARGEST_IN_JSON, min(count, _LARGEST_IN_JSON))


def _within_timedelta(seconds: Any) -> Any:
    return max(-_LONGEST_SECONDS, min(seconds, _LONGEST_SECONDS)) if isinstance(seconds, int | float) else seconds


#: How often a run was started and how long it ran, as a client reports it. The state that comes with a senseless number
#: is a fact nevertheless, so the number becomes the nearest one that can be stored.
RunCount = Annotated[int, AfterValidator(_within_json)]
#: Seconds that can be added up in microseconds.
RunSeconds = Annotated[float, Field(ge=-1e15, le=1e15)]
RunTime = Annotated[timedelta, BeforeValidator(_within_timedelta)]
