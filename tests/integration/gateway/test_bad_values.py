"""Values that are well-formed, and yet cannot be stored or written as JSON: refused, and no harm to what is there."""

from __future__ import annotations

import json
from typing import Final

import httpx
import nats

from antiphon.events import subjects
from antiphon.events.log.nats.parked import ParkedMessages
from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from tests.integration.gateway.house import Addresses, new_run

_HUGE: Final = b"1" * 40
_EVENT: Final = {
    "occurred": "2001-01-01T00:00:00Z",
    "event": "a.thing.happened",
    "resource": {"prefect.resource.id": "a.thing"},
    "id": "00000000-0000-4000-8000-00000000e0e0",
}


def _event(**changes: object) -> bytes:
    return json.dumps([_EVENT | changes]).encode()


def _line(message: bytes = b"m", level: bytes = b"20", timestamp: bytes = b"2026-01-01T00:00:00Z") -> bytes:
    return b'[{"name":"n","level":%b,"message":"%b","timestamp":"%b"}]' % (level, message, timestamp)


def _scheduled(time: bytes) -> bytes:
    return b'{"state":{"type":"SCHEDULED","state_details":{"scheduled_time":"%b"}},"force":true}' % time


_BAD: Final[dict[str, tuple[str, bytes, int]]] = {
    "a huge integer for a name": ("/flows/", b'{"name":%b}' % _HUGE, 422),
    "a huge integer for a name of a run": ("/flow_runs/", b'{"flow_id":"RUN","name":%b}' % _HUGE, 422),
    "half a character in a filter": ("/flows/filter", b'{"flows":{"name":{"any_":["\\ud800"]}}}', 422),
    "half a character in a filter of lines": ("/logs/filter", b'{"logs":{"flow_run_id":{"any_":["\\ud800"]}}}', 422),
    "half a character in a line": ("/logs/", _line(message=b"a\\ud800b"), 422),
    "a level beyond 64 bits": ("/logs/", _line(level=_HUGE), 422),
    "a level beyond its column": ("/logs/", _line(level=b"1099511627776"), 422),
    "a line before the year 1": ("/logs/", _line(timestamp=b"0001-01-01T00:00:00+14:00"), 422),
    "a line after the year 9999": ("/logs/", _line(timestamp=b"9999-12-31T23:59:59-14:00"), 422),
    "a run scheduled before the year 1": ("/flow_runs/RUN/set_state", _scheduled(b"0001-01-01T00:00:00+14:00"), 422),
    "a run scheduled after 9999": ("/flow_runs/RUN/set_state", _scheduled(b"9999-12-31T23:59:59-14:00"), 422),
    "deep parameters": ("/flow_runs/", b'{"flow_id":"RUN","parameters":{"a":' + b"[" * 300 + b"]" * 300 + b"}}", 400),
    "bottomless parameters": ("/flow_runs/", b'{"parameters":{"a":' + b"[" * 9000 + b"]" * 9000 + b"}}", 400),
    "an event larger than a message may be": ("/events", _event(payload={"a": "x" * 9_000_000}), 413),
    "lines larger than a message may be": ("/logs/", _line(message=b"x" * 9_000_000), 413),
}


_LABELS: Final = b'{"flow_id":"RUN","labels":{"a":%b}}'
_POLICY: Final = b'{"flow_run_id":"RUN","task_key":"t","dynamic_key":"1","empirical_policy":{%b}}'
_COUNTS: Final = b'{"filter":{},"time_unit":"week","time_interval":%b}'
#: Python reads these numbers, which are none in JSON.
_NUMBERLESS: Final[dict[str, tuple[str, bytes, int]]] = {
    "no number in a label": ("/flow_runs/", _LABELS % b"NaN", 422),
    "infinity in a label": ("/flow_runs/", _LABELS % b"1e999", 422),
    "infinity in a label of a flow": ("/flows/", b'{"name":"f","labels":{"a":1e999}}', 422),
    "an endless delay": ("/task_runs/", _POLICY % b'"retry_delay":1e999', 422),
    "endless delays": ("/task_runs/", _POLICY % b'"retry_delay":[1.5,1e999]', 422),
    "an endless delay of old": ("/task_runs/", _POLICY % b'"retry_delay":1,"retry_delay_seconds":1e999', 422),
    "an endless jitter": ("/task_runs/", _POLICY % b'"retry_jitter_factor":1e999', 422),
}
_FAR: Final[dict[str, tuple[str, bytes, int]]] = {
    "a week without end": ("/events/count-by/time", _COUNTS % b"1e300", 422),
    "a week that ends after the year 9999": ("/events/count-by/time", _COUNTS % b"1e6", 422),
    "a page whose number is huge": ("/work_pools/pool/concurrency_status", b'{"page":%b}' % _HUGE, 422),
    "the last page there can be": ("/work_pools/pool/concurrency_status", b'{"page":9223372036854775807}', 200),
    "a huge page of a queue": ("/work_queues/QUEUE/concurrency_status", b'{"page":%b}' % _HUGE, 422),
    "the last page of a queue": ("/work_queues/QUEUE/concurrency_status", b'{"page":9223372036854775807}', 200),
    "a huge level": ("/logs/filter", b'{"logs":{"level":{"le_":%b}}}' % _HUGE, 200),
}


async def _post(caller: httpx.AsyncClient, path: str, body: bytes) -> httpx.Response:
    return await caller.post(path, content=body, headers={"Content-Type": "application/json"})


async def test_what_cannot_be_stored_is_refused_and_breaks_no_read(addresses: Addresses) -> None:
    async with addresses.running(run_policy, run_projector), addresses.gateway() as caller:
        run_id = await new_run(caller)
        for name, (path, body, status) in (_BAD | _NUMBERLESS).items():
            answer = await _post(caller, path.replace("RUN", run_id), body.replace(b"RUN", run_id.encode()))
            assert answer.status_code == status, (name, answer.text[:300])
            keys = {"exception_message", "exception_detail", "request_body"}
            assert set(answer.json()) in ({"detail"}, keys), name
        changed = await caller.patch(f"/flow_runs/{run_id}/labels", content=b'{"a":1e999}')
        assert changed.status_code == 422, changed.text
        assert [run["id"] for run in (await _post(caller, "/flow_runs/filter", b"{}")).json()] == [run_id]
        assert (await _post(caller, "/logs/filter", b"{}")).json() == []
    connection = await nats.connect(addresses.nats_url)
    assert await ParkedMessages(connection).count() == 0
    await connection.close()


async def test_numbers_that_are_far_too_large_are_no_fault_of_ours(addresses: Addresses) -> None:
    async with addresses.running(run_policy, run_projector), addresses.gateway() as caller:
        pool = (await _post(caller, "/work_pools/", b'{"name":"pool","type":"process"}')).json()
        for name, (path, body, status) in _FAR.items():
            answer = await _post(caller, path.replace("QUEUE", pool["default_queue_id"]), body)
            assert answer.status_code == status, (name, answer.text[:300])


async def test_an_event_keeps_its_huge_integers(addresses: Addresses) -> None:
    async with addresses.gateway() as caller:
        assert (await _post(caller, "/events", _event(payload={"a": int(_HUGE)}))).status_code == 204
    connection = await nats.connect(addresses.nats_url)
    kept = await connection.jetstream().get_last_msg(subjects.OBSERVED, "obs.>")
    await connection.close()
    found = json.loads(kept.data or b"")
    assert found["payload"] == {"a": int(_HUGE)}
    assert {name: found[name] for name in _EVENT} == _EVENT
    assert found["received"]
