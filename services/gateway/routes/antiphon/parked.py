"""Parked messages over HTTP: list, show, replay, drop."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from antiphon.events.log.nats.parked import CannotReplayError, Parked, ParkedMessages
from antiphon.events.log_position import LAST
from antiphon.projections.core.reading import encoded
from antiphon.services.gateway.context import gateway_of
from antiphon.services.gateway.http.errors import JsonResponse, conflict, not_found

Limit = Annotated[int, Query(ge=1, le=1000)]
After = Annotated[int, Query(ge=0, lt=LAST)]
Sequence = Annotated[int, Path(ge=1, le=LAST)]

router = APIRouter(prefix="/parked")


def _messages(request: Request) -> ParkedMessages:
    return ParkedMessages(gateway_of(request).nats)


@router.get("")
async def read_all(request: Request, after: After = 0, limit: Limit = 100) -> Response:
    messages = _messages(request)
    found: list[dict[str, Any]] = []
    async for parked in messages.all(after):
        if len(found) == limit:
            break
        found.append(_brief(parked))
    return JsonResponse(encoded({"count": await messages.count(), "parked": found}))


@router.get("/{sequence}")
async def read(request: Request, sequence: Sequence) -> Response:
    parked = await _found(_messages(request), sequence)
    body = parked.data.decode(errors="replace")
    return JsonResponse(encoded(_brief(parked) | {"headers": dict(parked.headers), "body": body}))


@router.post("/{sequence}/replay")
async def replay(request: Request, sequence: Sequence) -> Response:
    messages = _messages(request)
    try:
        done = await messages.replay(await _found(messages, sequence))
    except CannotReplayError as error:
        raise conflict(str(error)) from error
    return JsonResponse({"done": done})


@router.delete("/{sequence}")
async def drop(request: Request, sequence: Sequence) -> Response:
    if not await _messages(request).drop(sequence):
        raise _missing(sequence)
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _found(messages: ParkedMessages, sequence: int) -> Parked:
    parked = await messages.get(sequence)
    if parked is None:
        raise _missing(sequence)
    return parked


def _missing(sequence: int) -> Exception:
    return not_found(f"There is no parked message {sequence}.")


def _brief(parked: Parked) -> dict[str, Any]:
    return {
        "sequence": parked.sequence,
        "consumer": parked.consumer,
        "subject": parked.subject,
        "error": parked.error,
        "parked_at": parked.parked_at,
        "bytes": len(parked.data),
        "is_whole": parked.is_whole,
    }
