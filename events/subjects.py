"""Every stream, subject and header name of Antiphon; no other module builds one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from itertools import zip_longest
from typing import Final, NamedTuple

#: All commands whose senders wait for the decision.
REQUESTS: Final = "ask.>"

COMMANDS: Final = "COMMANDS"
EVENTS: Final = "EVENTS"
OBSERVED: Final = "OBSERVED"
SCHEDULED: Final = "SCHEDULED"
PARKED: Final = "PARKED"
#: A cache, read by subject only.
SNAPSHOTS: Final = "SNAPSHOTS"
#: The key-value bucket of the leases.
LEASES: Final = "antiphon_leases"
#: The streams with readers.
STREAMS: Final = (COMMANDS, EVENTS, OBSERVED, SCHEDULED, PARKED)

#: The observations that become task runs, and the recorder's durable consumer.
RECORDED: Final = "obs.task_run.*"
RECORDER: Final = "recorder-task_runs-v1"

#: JetStream drops a quick repetition of the same id.
MESSAGE_ID: Final = "Nats-Msg-Id"
COMMAND_ID: Final = "Antiphon-Command-Id"
COMMAND_DIGEST: Final = "Antiphon-Command-Digest"
CORRELATION_ID: Final = "Antiphon-Correlation-Id"
CAUSATION_ID: Final = "Antiphon-Causation-Id"
ACTOR: Final = "Antiphon-Actor"
REPLY_TO: Final = "Antiphon-Reply-To"
#: Present if the reply must hold the events too; its value does not matter.
WITH_EVENTS: Final = "Antiphon-With-Events"
#: The position of the aggregate's last change that the sender has seen: decided only if there is no later one.
IF_POSITION: Final = "Antiphon-If-Position"
SCHEMA_VERSION: Final = "Antiphon-Schema-Version"
OCCURRED_AT: Final = "Antiphon-Occurred-At"
#: On a message that was lost and restored: the time of its first recording.
RECORDED_AT: Final = "Antiphon-Recorded-At"
TRACEPARENT: Final = "traceparent"

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INBOX = re.compile(r"(?=.{1,256}$)[!-)+\-/-=?-~]+(\.[!-)+\-/-=?-~]+)*", re.ASCII)
#: Subjects with a meaning: no reply may go to them.
_RESERVED: Final = (
    *("$", "ask.", "cmd.", "evt.", "lease.", "obs."),
    *("parked.", "projection.", "scheduled.", "snapshot."),
)


class Aggregate(NamedTuple):
    """The identity of one event stream, for example `flow_run` and its id."""

    kind: str
    id: str


def command(aggregate: Aggregate, verb: str) -> str:
    """The subject a command is published on."""
    return f"cmd.{aggregate.kind}.{aggregate.id}.{verb}"


def request(aggregate: Aggregate, verb: str) -> str:
    """The subject a command is sent on when its sender waits for the decision (docs/adr/0001)."""
    return f"ask.{aggregate.kind}.{aggregate.id}.{verb}"


def event(aggregate: Aggregate, action: str) -> str:
    """The subject an event is appended on; `action` is the event type without its kind."""
    return f"evt.{aggregate.kind}.{aggregate.id}.{action}"


def event_stream(aggregate: Aggregate) -> str:
    """The wildcard over all events of one aggregate: its event stream."""
    return f"evt.{aggregate.kind}.{aggregate.id}.>"


def observation(kind: str, identifier: str) -> str:
    """The subject an observation (a client's event, a batch of log lines) is published on."""
    return f"obs.{kind}.{identifier}"


def observation_about(resource: str) -> str:
    """The subject of an event about another resource than a run, by Prefect's id of it."""
    return observation("other", sha256(resource.encode()).hexdigest()[:32])


def observations(kind: str) -> str:
    """All observations of a kind."""
    return f"obs.{kind}.*"


def cursor(stream: str, reader: str) -> str:
    """The subject within `stream` where a reader of the log stores its position, next to its output."""
    return observation("cursor", reader) if stream == OBSERVED else f"scheduled.cursor.{reader}"


def scheduled(task_key: str, run_id: str) -> str:
    """The subject on which a background task run waits for a task worker."""
    return f"scheduled.{task_token(task_key)}.{run_id}"


def task_token(task_key: str) -> str:
    """The token of a task key, which may hold any text, in subjects and names of consumers."""
    return sha256(task_key.encode()).hexdigest()[:32]


def parked(consumer: str, reason: str, source: str, kind: str) -> str:
    """The subject on which `consumer` parks a message that was published on `<source>.<kind>.>`."""
    return f"parked.{consumer}.{reason}.{source}.{kind}"


def snapshot(aggregate: Aggregate) -> str:
    """The subject that holds the last snapshot of an aggregate (docs/adr/0005)."""
    return f"snapshot.{aggregate.kind}.{aggregate.id}"


def snapshot_of(subject: str) -> Aggregate:
    """The aggregate whose snapshots are on a subject."""
    _, kind, identifier = subject.split(".", 2)
    return Aggregate(kind, identifier)


def projection_committed(projection: str) -> str:
    """The core NATS subject on which a projection announces the position that it has committed."""
    return f"projection.{projection}.committed"


def projection_hurry(projection: str) -> str:
    """The core NATS subject on which a reader names the position it waits for."""
    return f"projection.{projection}.hurry"


def projection_heal(projection: str) -> str:
    """The core NATS subject of requests to continue an event stream that waits behind a parked event."""
    return f"projection.{projection}.heal"


def projection_yield(projection: str) -> str:
    """The core NATS subject of requests to hand the projector's lock over."""
    return f"projection.{projection}.yield"


def lease_holder(role: str, process: str) -> str:
    """The core NATS subject on which the holder of a lease answers whether it lives."""
    return f"lease.{role}.{process}"


def parse(subject: str) -> tuple[Aggregate, str]:
    """Split a `cmd.`, `ask.` or `evt.` subject into its aggregate and its verb or action, of one or more tokens.

    Raises ValueError when the subject does not have that form.
    """
    tokens = subject.split(".", 3)
    if len(tokens) != 4 or not tokens[3] or not is_token(tokens[2]):
        msg = f"subject {subject!r} is not of the form <cmd|ask|evt>.<kind>.<id>.<name>"
        raise ValueError(msg)
    return Aggregate(tokens[1], tokens[2]), tokens[3]


def stream_of(subject: str) -> str:
    """The subject of an event's event stream: without the action."""
    return ".".join(subject.split(".", 3)[:3])


def printable(subject: str) -> str:
    """A printable form of a subject: JetStream accepts any bytes, so unusual ones are escaped."""
    plain = subject.isascii() and subject.isprintable() and "\\" not in subject
    return subject if plain else subject.encode("unicode_escape").decode()


def is_token(text: str) -> bool:
    """Whether `text` can be the id of an aggregate: letters, digits, `_` and `-`, at most 128."""
    return _TOKEN.fullmatch(text) is not None


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID in its usual form; in another form it would name a second aggregate of the same id."""
    return _UUID.fullmatch(text) is not None


def is_inbox(subject: str) -> bool:
    """Whether an answer may be sent to `subject`: well formed, no wildcard, and no reserved subject."""
    return _INBOX.fullmatch(subject) is not None and not subject.startswith(_RESERVED)


def matches(subject: str, wildcard: str) -> bool:
    """Whether a NATS wildcard (`*` one token, `>` one or more at the end) selects `subject`."""
    tokens, pattern = subject.split("."), wildcard.split(".")
    if pattern[-1] == ">":
        if len(tokens) < len(pattern):
            return False
        tokens, pattern = tokens[: len(pattern) - 1], pattern[:-1]
    return len(tokens) == len(pattern) and all(
        expected in ("*", token) for token, expected in zip(tokens, pattern, strict=True)
    )


def covering(wildcards: Sequence[str]) -> str:
    """One wildcard that selects every subject of these, and perhaps more; `wildcards` is not empty."""
    common: list[str] = []
    for column in zip_longest(*(wildcard.split(".") for wildcard in wildcards)):
        if None in column:
            # One pattern is shorter: `>` stands for at least one token.
            return ".".join([*common[:-1], ">"])
        if ">" in column:
            return ".".join([*common, ">"])
        common.append(column[0] if len(set(column)) == 1 else "*")
    return ".".join(common)
