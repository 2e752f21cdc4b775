"""A sender asks an outcome one question, and one answer is yes."""

from __future__ import annotations

from uuid import UUID

import pytest

from antiphon.client import Outcome, Status


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("ACCEPT", "accepted"),
        ("REJECT", "rejected"),
        ("WAIT", "waiting"),
        ("ABORT", "aborted"),
        ("CREATED", "accepted"),
        ("EXISTS", "accepted"),
        ("UPDATED", "accepted"),
        ("DELETED", "accepted"),
        ("NOT_FOUND", "refused"),
        ("CONFLICT", "refused"),
        ("INVALID", "refused"),
        ("PARKED", "refused"),
    ],
)
def test_each_status_is_of_one_kind(status: str, kind: str) -> None:
    outcome = Outcome(status=Status(status), aggregate_id="a", command_id=UUID(int=1), position=1)
    kinds = ("accepted", "rejected", "waiting", "aborted", "refused")
    assert [name for name in kinds if getattr(outcome, f"is_{name}")] == [kind]


def test_no_status_is_without_a_kind() -> None:
    assert len(Status) == 12
