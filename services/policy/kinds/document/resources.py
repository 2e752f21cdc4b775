"""The kinds of document: each declares its fields, its unique name and its parent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import StringConstraints

from antiphon.events import ids
from antiphon.events.message import Payload
from antiphon.events.subjects import Aggregate

#: PostgreSQL cannot index much longer names.
LONGEST_NAME: Final = 2000


class Flow(Payload):
    """The fields of a flow; Prefect forbids `/ % & > <` in its name."""

    name: Annotated[str, StringConstraints(pattern=r"^[^/%&><]+$", max_length=LONGEST_NAME)]
    tags: tuple[str, ...] = ()
    labels: dict[str, bool | int | float | str] | None = {}


class FlowRunInput(Payload):
    """The fields of a flow run's input; `value` is JSON text."""

    flow_run_id: UUID
    key: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9._-]*$", max_length=LONGEST_NAME)]
    value: str
    sender: str | None = None


class Variable(Payload):
    """The fields of a variable; `value` is any JSON value."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]*$", max_length=LONGEST_NAME)]
    value: Any
    tags: tuple[str, ...] = ()


class Artifact(Payload):
    """The fields of an artifact; `data` is any JSON value."""

    key: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]*$", max_length=LONGEST_NAME)] | None = None
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentKind:
    """One kind of document."""

    model: type[Payload]
    #: The reservation that its data claims; absent if only the id is unique.
    name: Callable[[dict[str, Any]], Aggregate] | None = None
    #: Whether the name may change.
    can_be_renamed: bool = False
    #: Other fields that never change.
    fixed: frozenset[str] = frozenset()
    #: Whether a creation under a taken name finds the existing document, rather than being refused.
    create_finds_existing: bool = False
    #: The refusal of a taken name.
    taken: str = ""
    #: The parent, and the refusal if it does not exist.
    parent: Callable[[dict[str, Any]], Aggregate] | None = None
    parent_missing: str = ""


RESOURCES: dict[str, DocumentKind] = {
    "flow": DocumentKind(
        model=Flow,
        name=lambda data: ids.name_aggregate("flow", data["name"]),
        create_finds_existing=True,
    ),
    "flow_run_input": DocumentKind(
        model=FlowRunInput,
        taken="A flow run input with this key already exists.",
        parent=lambda data: Aggregate("flow_run", str(data["flow_run_id"])),
        parent_missing="Flow run not found",
    ),
    "variable": DocumentKind(
        model=Variable,
        name=lambda data: ids.name_aggregate("variable", data["name"]),
        can_be_renamed=True,
    ),
    "artifact": DocumentKind(
        model=Artifact,
        fixed=frozenset({"key", "type", "flow_run_id", "task_run_id"}),
        create_finds_existing=True,
    ),
}
