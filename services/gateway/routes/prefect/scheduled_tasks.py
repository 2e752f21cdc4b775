"""The WebSocket on which task workers receive background tasks (docs/prefect/services.md, section 3)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
import structlog
from fastapi import APIRouter
from nats.aio.msg import Msg
from psycopg_pool import PoolTimeout
from starlette.websockets import WebSocket

from antiphon.events.log.nats.parking import Parking, unhandled
from antiphon.events.log.nats.task_queue import IN_PROGRESS_SECONDS, TaskQueue
from antiphon.events.state import StateType
from antiphon.events.unhandled import Reason
from antiphon.projections.task_run.queries import TASK_RUNS
from antiphon.services.gateway.context import Gateway, gateway_of
from antiphon.services.gateway.http.errors import NotVisibleError
from antiphon.services.gateway.streaming import websockets

_VIOLATION: Final = 4001
#: A task that cannot be read now is tried again after this time.
_LATER_SECONDS: Final = 1.0
#: The failures of reading a message that is not a queued task.
_UNREADABLE: Final = (orjson.JSONDecodeError, KeyError, TypeError)

_log = structlog.get_logger(__name__)

router = APIRouter()


@router.websocket("/task_runs/subscriptions/scheduled")
async def scheduled(websocket: WebSocket) -> None:
    message = await websockets.first_message(websocket)
    if message is None:
        return
    complaint = _complaint(message)
    if complaint is not None:
        await websocket.close(_VIOLATION, f"Protocol violation: expected {complaint} message")
        return
    keys = _keys(message["keys"])
    _log.info("task worker subscribes", client=str(message["client_id"]), keys=len(keys))
    worker = _Worker(gateway_of(websocket), websocket, keys)
    try:
        await websockets.while_connected(websocket, worker.serve(), worker.on_text)
    except websockets.UnreadableFrameError as error:
        _log.warning("task worker makes no sense", client=str(message["client_id"]), error=str(error))


def _complaint(message: dict[str, Any]) -> str | None:
    if message.get("type") != "subscribe":
        return "'subscribe'"
    for name in ("keys", "client_id"):
        if not message.get(name):
            return f"'{name}' in subscribe"
    return None


def _keys(given: Any) -> list[str]:
    """The valid keys; others are ignored, as by Prefect."""
    if not isinstance(given, Iterable):
        return []
    return [key for key in given if isinstance(key, str) and key.encode(errors="ignore").decode() == key]


class _Worker:
    """A task worker: it has one task at a time, and acknowledges it before the next."""

    def __init__(self, gateway: Gateway, websocket: WebSocket, keys: list[str]) -> None:
        self._gateway = gateway
        self._websocket = websocket
        self._keys = keys
        self._answered: asyncio.Future[str] | None = None

    def on_text(self, text: str) -> None:
        """Receive the worker's message; without an outstanding task it is ignored."""
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(text)

    async def serve(self) -> None:
        """Send tasks until the worker quits or sends anything but an acknowledgement."""
        async with TaskQueue(self._gateway.nats, self._keys) as queue:
            is_serving = True
            while is_serving:
                message = await queue.next()
                try:
                    task_run = await self._task_run(message)
                    is_serving = task_run is None or await self._is_acknowledged(queue, message, task_run)
                except _UNREADABLE as error:
                    await self._park(message, repr(error))
                except (psycopg.OperationalError, PoolTimeout, NotVisibleError) as error:
                    _log.warning("background task not shown", subject=message.subject, error=str(error).strip())
                    await queue.nak(message, delay_seconds=_LATER_SECONDS)
                    continue
                except BaseException:
                    await queue.nak(message)
                    raise
                if is_serving:
                    await queue.ack(message)
                else:
                    await queue.nak(message)

    async def _task_run(self, message: Msg) -> bytes | None:
        """The task run as it is now; None if it need not run any more."""
        waiting = orjson.loads(message.data)
        run_id, position = UUID(waiting["task_run_id"]), int(waiting["position"])
        if not await self._gateway.read_models.events.wait_for(position, self._gateway.deadline_seconds):
            raise NotVisibleError(f"{run_id} at position {position}")
        # It may have been cancelled meanwhile.
        async with self._gateway.read_models.reading() as connection:
            found = await TASK_RUNS.get(connection, run_id)
        # A worker whose acknowledgement was lost has moved the run on.
        if found is not None and orjson.loads(found)["state_type"] == StateType.SCHEDULED:
            return found
        _log.info("background task is not scheduled any more", task_run_id=str(run_id))
        return None

    async def _is_acknowledged(self, queue: TaskQueue, message: Msg, task_run: bytes) -> bool:
        """Send the task and wait for the worker's acknowledgement, however long; False for any other message."""
        self._answered = asyncio.get_running_loop().create_future()
        await self._websocket.send_text(task_run.decode())
        while not self._answered.done():
            await asyncio.wait({self._answered}, timeout=IN_PROGRESS_SECONDS)
            await queue.in_progress(message)
        said = websockets.message_in(self._answered.result()).get("type")
        if said == "quit":
            await self._websocket.close()
        return bool(said == "ack")

    async def _park(self, message: Msg, why: str) -> None:
        _log.warning("no background task", subject=message.subject, why=why)
        await Parking(self._gateway.nats, "gateway").park([unhandled(message, Reason.UNREADABLE, why)])
