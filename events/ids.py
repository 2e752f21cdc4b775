"""Derived ids, so that a repeated request gets the same id."""

from __future__ import annotations

from hashlib import sha256
from typing import Final
from uuid import UUID, uuid5

from antiphon.events.subjects import Aggregate

_NAMESPACE: Final = UUID("6f3c1d8e-2f0b-5b63-9d5c-8a9c1f6a7e21")


def flow_run_id(flow_id: UUID, idempotency_key: str) -> UUID:
    """The id of the run of an idempotency key within a flow."""
    return uuid5(_NAMESPACE, f"flow_run:{flow_id}:{idempotency_key}")


def flow_run_input_id(run_id: UUID, key: str) -> UUID:
    """The id of a flow run's input under `key`."""
    return uuid5(_NAMESPACE, f"flow_run_input:{run_id}:{key}")


def worker_id(pool_id: UUID, name: str) -> UUID:
    """The id of the worker of this name in a work pool."""
    return uuid5(_NAMESPACE, f"worker:{pool_id}:{name}")


def artifact_collection_id(key: str) -> UUID:
    """The id of the collection of artifacts under a key."""
    return uuid5(_NAMESPACE, f"artifact_collection:{key}")


def derived(source: UUID, purpose: str) -> UUID:
    """An id derived from another one: for further effects of a command, or a non-UUID idempotency key."""
    return uuid5(source, purpose)


def command_id(key: str) -> UUID:
    """The command id of an Idempotency-Key or a Nats-Msg-Id: the key itself if it is a UUID."""
    try:
        return UUID(key)
    except ValueError:
        return uuid5(_NAMESPACE, f"command:{key}")


def queued_command_id(stream: str, sequence: str, stored_at: str) -> UUID:
    """The id of a command without one; the time distinguishes recreated streams."""
    return uuid5(_NAMESPACE, f"queued:{stream}:{sequence}:{stored_at}")


def name_aggregate(scope: str, *parts: str) -> Aggregate:
    """The aggregate that reserves a name within a scope, for example a flow's name among flows."""
    text = "\x1f".join((scope, *parts))
    return Aggregate("name", sha256(text.encode()).hexdigest()[:40])


def task_cache(cache_key: str) -> Aggregate:
    """The aggregate that holds the cached states of a cache key."""
    return Aggregate("task_cache", sha256(cache_key.encode()).hexdigest()[:40])
