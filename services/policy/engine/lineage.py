"""Holders of names, and owners of aggregates: a task run belongs to its flow run, a flow run to its flow.

A deletion is one event of the deleted aggregate; it implies the deletion of everything that belongs to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antiphon.events.subjects import Aggregate


def lineage(key: Aggregate, known: Mapping[Aggregate, Any]) -> tuple[Aggregate, ...]:
    """An aggregate and its known owners: for `Decider.related`."""
    found = [key]
    while (owner := getattr(known.get(found[-1]), "belongs_to", None)) is not None:
        found.append(owner)
    return tuple(found)


def is_there(key: Aggregate, known: Mapping[Aggregate, Any]) -> bool:
    """Whether an aggregate exists, with everything it belongs to."""
    return all(known[each].exists for each in lineage(key, known))


def holder_of(kind: str, name: Aggregate, others: Mapping[Aggregate, Any]) -> tuple[Aggregate, ...]:
    """The aggregate of this kind that holds a name, as far as it is known."""
    claim = others.get(name)
    return () if claim is None or claim.owner is None else (Aggregate(kind, claim.owner),)
