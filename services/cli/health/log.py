"""Checks nats-server: version, durability, streams, permissions of this user."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import nats.errors
import orjson
from nats.aio.client import Client
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError

from antiphon.events import subjects
from antiphon.events.log.nats.provision import stream_configurations
from antiphon.services.cli.health.finding import Finding, Severity, judged, ok
from antiphon.services.runtime.embedded.nats_server import MAX_PAYLOAD
from antiphon.services.runtime.nats import missing

_OLDEST: Final = (2, 12, 0)
#: The version in our tests; docs/adr/0001.
_TESTED: Final = (2, 15, 1)
_ANSWER_SECONDS: Final = 2.0
#: What must be equal in the configuration of a stream.
_SETTINGS: Final = (
    *("retention", "discard", "deny_delete", "deny_purge", "allow_atomic", "allow_direct"),
    *("max_age", "max_msgs", "max_bytes", "max_msgs_per_subject", "max_msg_size"),
)
_SYNCED = re.compile(r"^\s*sync_interval:\s*\"?always\b", re.MULTILINE)


async def examined(client: Client, data_dir: Path) -> AsyncIterator[Finding]:
    """Check the server of a connection."""
    yield _version(client)
    yield _sync(data_dir / "nats" / "nats-server.conf")
    yield _largest_message(client)
    yield await _streams(client)
    yield await _whole(client)
    yield await _permissions(client)


def _version(client: Client) -> Finding:
    server = client.connected_server_version
    version = (server.major, server.minor, server.patch)
    if version < _OLDEST:
        return judged("nats-server", _text(version), is_well=False, advice="atomic batches need 2.12: upgrade it")
    return judged(
        "nats-server",
        _text(version),
        is_well=version >= _TESTED,
        advice=f"upgrade it: Antiphon is tested with {_text(_TESTED)}",
        severity=Severity.WARNING,
    )


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _sync(configuration: Path) -> Finding:
    try:
        text = configuration.read_text()
    except OSError:
        return Finding(
            subject="log durability",
            severity=Severity.WARNING,
            found="the server is not one of ours, its configuration cannot be seen",
            advice="make sure that its jetstream block says `sync_interval: always`: else acknowledged is not on disk",
        )
    is_synced = _SYNCED.search(text) is not None
    return judged(
        "log durability",
        f"every message is {'on disk before' if is_synced else 'perhaps not on disk when'} it is acknowledged",
        is_well=is_synced,
        advice=f"set `sync_interval: always` in {configuration}",
    )


async def _streams(client: Client) -> Finding:
    wrong = []
    for wanted in stream_configurations(1):
        name = wanted.name or ""
        try:
            found = (await client.jetstream().stream_info(name)).config
        except NotFoundError:
            wrong.append(f"{name} is missing")
            continue
        wrong += [f"{name}: {difference}" for difference in _differences(found, wanted)]
    return judged(
        "streams",
        "; ".join(wrong) or "as they should be",
        is_well=not wrong,
        advice="`antiphon start` brings them to what they should be; deny_delete and deny_purge can only be set anew",
    )


async def _whole(client: Client) -> Finding:
    try:
        state = (await client.jetstream().stream_info(subjects.EVENTS)).state
    except NotFoundError:
        return Finding(
            subject="log", severity=Severity.PROBLEM, found="there is none", advice="`antiphon start` makes it"
        )
    gap = missing(state)
    return judged(
        "log",
        gap or f"all {state.messages} messages are there",
        is_well=gap is None,
        advice="restore a backup of the log: `antiphon verify` names the first missing position",
    )


def _largest_message(client: Client) -> Finding:
    return judged(
        "largest message",
        f"{client.max_payload} bytes",
        is_well=client.max_payload >= MAX_PAYLOAD,
        advice=f"set `max_payload: {MAX_PAYLOAD}`: a smaller server refuses events that another has taken",
        severity=Severity.WARNING,
    )


def _differences(found: StreamConfig, wanted: StreamConfig) -> list[str]:
    return [
        f"{setting} is {getattr(found, setting)}, not {getattr(wanted, setting)}"
        for setting in _SETTINGS
        # Absent is the same as off and as unlimited, which is -1.
        if (getattr(found, setting) or -1) != (getattr(wanted, setting) or -1)
    ]


async def _permissions(client: Client) -> Finding:
    subject = "log permissions"
    try:
        answer = await client.request("$SYS.REQ.USER.INFO", timeout=_ANSWER_SECONDS)
    except (nats.errors.NoRespondersError, TimeoutError):
        return Finding(
            subject=subject,
            severity=Severity.WARNING,
            found="the server does not say what this user may do",
            advice="make sure that only the policy may publish `evt.>` and `snapshot.>`",
        )
    user: dict[str, Any] = orjson.loads(answer.data).get("data") or {}
    name, limits = user.get("user"), user.get("permissions")
    if name and limits:
        return ok(subject, f"{name} is limited to what it needs")
    if name:
        return ok(subject, f"{name} may do everything; give the roles users of their own to separate them")
    is_here = client.connected_url is not None and _is_loopback(client.connected_url.hostname or "")
    return judged(
        subject,
        f"every client of the server may do everything{', and it listens on this machine alone' if is_here else ''}",
        is_well=is_here,
        advice="set up users: only the policy may publish `evt.>` and `snapshot.>`, or every client can write history",
        severity=Severity.WARNING,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
