"""Creates the JetStream streams, or updates their configuration."""

from __future__ import annotations

from typing import Any, Final

from nats.aio.client import Client
from nats.js.api import DiscardPolicy, KeyValueConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from antiphon.events import subjects

OBSERVED_MAX_AGE_SECONDS: Final = 7 * 24 * 3600.0
#: JetStream forgets message ids after this time; the folds of the policy never forget command ids.
_DUPLICATE_WINDOW_SECONDS: Final = 120.0
#: A message is parked again if its consumer ended before the acknowledgement, and starts again only now.
_PARKED_AGAIN_SECONDS: Final = 3600.0


def stream_configurations(replicas: int) -> tuple[StreamConfig, ...]:
    """The streams of an installation; see docs/adr/0001."""
    return (
        _stream(
            subjects.COMMANDS,
            "cmd.>",
            replicas,
            retention=RetentionPolicy.WORK_QUEUE,
            duplicate_window=_DUPLICATE_WINDOW_SECONDS,
        ),
        _stream(subjects.EVENTS, "evt.>", replicas, deny_delete=True, deny_purge=True),
        _stream(
            subjects.OBSERVED,
            "obs.>",
            replicas,
            discard=DiscardPolicy.OLD,
            max_age=OBSERVED_MAX_AGE_SECONDS,
            duplicate_window=_DUPLICATE_WINDOW_SECONDS,
        ),
        _stream(
            subjects.SCHEDULED,
            "scheduled.>",
            replicas,
            retention=RetentionPolicy.WORK_QUEUE,
            # Of a task run only its last message waits; nothing else is ever discarded.
            max_msgs_per_subject=1,
            discard=DiscardPolicy.OLD,
        ),
        _stream(subjects.PARKED, "parked.>", replicas, duplicate_window=_PARKED_AGAIN_SECONDS),
        _stream(subjects.SNAPSHOTS, "snapshot.>", replicas, max_msgs_per_subject=1, discard=DiscardPolicy.OLD),
    )


def _stream(name: str, subject: str, replicas: int, **differences: Any) -> StreamConfig:
    """A stream on disk that refuses new messages rather than drop old ones."""
    usual: dict[str, Any] = {
        "retention": RetentionPolicy.LIMITS,
        "storage": StorageType.FILE,
        "discard": DiscardPolicy.NEW,
        "allow_direct": True,
        "allow_atomic": True,
    }
    return StreamConfig(name=name, subjects=[subject], num_replicas=replicas, **(usual | differences))


async def provision(client: Client, *, replicas: int = 1) -> None:
    """Create or update all streams; may be repeated, and run by several processes at once."""
    jetstream = client.jetstream()
    for configuration in stream_configurations(replicas):
        try:
            await jetstream.stream_info(configuration.name or "")
        except NotFoundError:
            await jetstream.add_stream(configuration)
        else:
            await jetstream.update_stream(configuration)
    try:
        await jetstream.key_value(subjects.LEASES)
    except NotFoundError:
        await jetstream.create_key_value(KeyValueConfig(bucket=subjects.LEASES, replicas=replicas))
