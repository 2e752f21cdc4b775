"""Parked messages over HTTP: count, list, show, replay, drop; parked event streams: list, heal."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from antiphon.events.log.nats.parked import CannotHealError, CannotReplayError, Parked, ParkedMessages, heal
from antiphon.events.log_position import LAST
from antiphon.projections.core.reading import encoded
from antiphon.projections.engine import parked_streams
from antiphon.services.gateway.context import gateway_of
from antiphon.services.gateway.http.errors import JsonResponse, conflict, not_found

#: Of a subject.
_LONGEST: Final = 4096

Limit = Annotated[int, Query(ge=1, le=1000)]
After = Annotated[int, Query(ge=0, lt=LAST)]
Sequence = Annotated[int, Path(ge=1, le=LAST)]
EventStream = Annotated[str, Path(max_length=_LONGEST)]

router = APIRouter(prefix="/parked")


def _messages(request: Request) -> ParkedMessages:
    return ParkedMessages(gateway_of(request).nats)


@router.get("")
async def read_all(request: Request, after: After = 0, limit: Limit = 100) -> Response:
    """The numbers by reason and kind, and a page of messages; `next` is `after` of the next page."""
    messages = _messages(request)
    groups, page = await messages.groups(), await messages.page(after, limit)
    async with gateway_of(request).read_models.reading() as connection:
        totals, streams = await parked_streams.totals(connection), await parked_streams.groups(connection)
    return JsonResponse(
        encoded(
            {
                "count": sum(group.count for group in groups),
                "groups": [
                    {
                        "consumer": group.consumer,
                        "reason": group.reason,
                        "kind": group.kind,
                        "count": group.count,
                        "last": _brief(group.last),
                    }
                    for group in groups
                ],
                "parked": [_brief(parked) for parked in page],
                "next": page[-1].sequence if len(page) == limit else None,
                **totals._asdict(),
                "event_stream_groups": [group._asdict() for group in streams],
            }
        )
    )


@router.get("/event_streams")
async def read_event_streams(request: Request, after: After = 0, limit: Limit = 100) -> Response:
    """A page of event streams with a parked event; `next` is `after` of the next page."""
    async with gateway_of(request).read_models.reading() as connection:
        page = await parked_streams.page(connection, after, limit)
    following = page[-1].position if len(page) == limit else None
    return JsonResponse(encoded({"event_streams": [stream._asdict() for stream in page], "next": following}))


@router.post("/event_streams/{event_stream}/heal")
async def heal_event_stream(request: Request, event_stream: EventStream) -> Response:
    """Project an event stream from its parked event on."""
    try:
        events = await heal(gateway_of(request).nats, event_stream)
    except CannotHealError as error:
        raise conflict(str(error)) from error
    return JsonResponse({"events": events})


@router.get("/{sequence}")
async def read(request: Request, sequence: Sequence) -> Response:
    parked = await _found(_messages(request), sequence)
    body = parked.data.decode(errors="replace")
    return JsonResponse(encoded(_brief(parked) | {"headers": dict(parked.headers), "body": body}))


@router.post("/{sequence}/replay")
async def replay(request: Request, sequence: Sequence) -> Response:
    messages = _messages(request)
    try:
        subject = await messages.replay(await _found(messages, sequence))
    except CannotReplayError as error:
        raise conflict(str(error)) from error
    return JsonResponse({"published_on": subject})


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
        "reason": parked.reason,
        "subject": parked.subject,
        "error": parked.error,
        "parked_at": parked.parked_at,
        "bytes": len(parked.data),
        "is_whole": parked.is_whole,
    }
