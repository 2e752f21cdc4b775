"""Reads the headers of an event by one pattern, if they are exactly as codec.event_headers writes them.

A replay needs three or four of the dozen headers of an event; to parse them all costs as much as to decode the body.
Headers in any other form are left to delivered.parse_headers and codec.metadata_of.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter

from antiphon.events import subjects
from antiphon.events.message import Metadata

#: The exact form is checked below; a pattern for it would take twice as long.
_UUID: Final = "([0-9a-f-]{36})"
#: ASCII, without blanks that parse_headers would strip.
_TEXT: Final = "([!-~]+(?: [!-~]+)*)"
#: Instructions to JetStream stand behind all other headers, and are not needed again.
_TO_JETSTREAM: Final = r"(?:Nats-[^\r]*+\r\n)*+"
#: Possessive quantifiers: the pattern never backtracks.
_OWN: Final = re.compile(
    "".join(
        (
            r"NATS/1\.0\r\n",
            r"ce-specversion: 1\.0\r\n",
            r"ce-id: [^\r]*+\r\n",
            r"ce-type: [^\r]*+\r\n",
            r"ce-source: [^\r]*+\r\n",
            r"ce-time: ([0-9T:.+-]+)\r\n",
            rf"{subjects.SCHEMA_VERSION}: ([0-9]{{1,9}})\r\n",
            rf"{subjects.COMMAND_ID}: {_UUID}\r\n",
            rf"(?:{subjects.CORRELATION_ID}: {_UUID}\r\n)?+",
            rf"(?:{subjects.CAUSATION_ID}: {_TEXT}\r\n)?+",
            rf"(?:{subjects.ACTOR}: {_TEXT}\r\n)?+",
            rf"(?:{subjects.TRACEPARENT}: {_TEXT}\r\n)?+",
            rf"(?:{subjects.COMMAND_DIGEST}: {_TEXT}\r\n)?+",
            _TO_JETSTREAM,
            r"\r\n",
        )
    ).encode()
).fullmatch
#: Three times as fast as the class itself.
_uuid: Final = TypeAdapter(UUID).validator.validate_python


def read(block: bytes) -> tuple[int, Metadata] | None:
    """The schema version and the metadata in a block of headers; None if it has any other form."""
    found = _OWN(block)
    if found is None:
        return None
    time, version, command, correlation, causation, actor, traceparent, digest = found.groups()
    try:
        metadata = Metadata(
            _uuid(command.decode()),
            datetime.fromisoformat(time.decode()),
            None if correlation is None else _uuid(correlation.decode()),
            None if causation is None else causation.decode(),
            None if actor is None else actor.decode(),
            None if traceparent is None else traceparent.decode(),
            None if digest is None else digest.decode(),
        )
    except ValueError:
        return None
    return None if metadata.occurred_at.tzinfo is None else (int(version), metadata)
