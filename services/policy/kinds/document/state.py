"""The fold of a document: its data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from antiphon.events.document.events import DocumentCreated, DocumentDeleted, DocumentUpdated
from antiphon.events.message import Event


@dataclass(frozen=True, slots=True)
class Document:
    """The state of a document that decisions need."""

    exists: bool = False
    #: It existed, and was deleted.
    is_deleted: bool = False
    data: dict[str, Any] = field(default_factory=dict)


INITIAL = Document()


def evolve(document: Document, event: Event) -> Document:
    """The document after `event`."""
    match event:
        case DocumentCreated():
            return Document(exists=True, data=event.data)
        case DocumentUpdated():
            return replace(document, data=document.data | event.changes)
        case DocumentDeleted():
            return Document(is_deleted=True)
        case _:
            return document
