"""Subjects: made and read in one place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.events import subjects
from antiphon.events.subjects import Aggregate
from tests.examples import RUN, RUN_ID

TOKENS = st.from_regex(r"[A-Za-z0-9_-]{1,128}", fullmatch=True)


@given(identifier=TOKENS, verb=TOKENS)
def test_a_subject_says_whom_it_is_meant_for(identifier: str, verb: str) -> None:
    aggregate = Aggregate("flow_run", identifier)
    assert subjects.parse(subjects.event(aggregate, f"state.{verb}")) == (aggregate, f"state.{verb}")
    for subject in (
        subjects.command(aggregate, verb),
        subjects.request(aggregate, verb),
        subjects.event(aggregate, verb),
    ):
        assert subjects.parse(subject) == (aggregate, verb)


def test_an_aggregates_events_are_in_its_event_stream_alone() -> None:
    stream = subjects.event_stream(RUN)
    assert subjects.matches(subjects.event(RUN, "created"), stream)
    assert not subjects.matches(subjects.event(RUN._replace(kind="task_run"), "created"), stream)


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "cmd",
        "cmd.flow.x",
        "cmd.flow.x.",
        "cmd.flow..y",
    ],
)
def test_what_is_not_a_subject_of_ours_is_refused(subject: str) -> None:
    with pytest.raises(ValueError, match="subject"):
        subjects.parse(subject)


@pytest.mark.parametrize(
    ("subject", "wildcard", "matched"),
    [
        ("a.b.c", "a.b.c", True),
        ("a.b.c", "a.*.c", True),
        ("a.b.c", "a.>", True),
        ("a.b.c", ">", True),
        ("a.b.c", "a.b", False),
        ("a.b.c", "a.b.c.>", False),
        ("a.b.c", "a.b.*.*", False),
        ("a.b.c", "a.x.>", False),
    ],
)
def test_wildcards_select_as_the_server_does(subject: str, wildcard: str, matched: bool) -> None:  # noqa: FBT001
    assert subjects.matches(subject, wildcard) is matched


@pytest.mark.parametrize("text", ["", "a.b", "a b", "*", ">", "é", "x" * 129, "a\n"])
def test_an_id_is_one_token(text: str) -> None:
    assert not subjects.is_token(text)


@pytest.mark.parametrize(
    "text", [str(RUN_ID).upper().replace("3", "A"), RUN_ID.hex, "x", f"{RUN_ID}\n", f"{{{RUN_ID}}}"]
)
def test_a_uuid_has_one_form(text: str) -> None:
    assert subjects.is_uuid(str(RUN_ID))
    assert not subjects.is_uuid(text)


def test_the_other_subjects() -> None:
    assert subjects.observation("task_run", "a") == "obs.task_run.a"
    assert subjects.parked("policy", "unreadable", "cmd", "flow") == "parked.policy.unreadable.cmd.flow"
    assert subjects.projection_committed("events") == "projection.events.committed"


@pytest.mark.parametrize(
    ("wildcards", "covering"),
    [
        (["evt.flow.*.*"], "evt.flow.*.*"),
        (["evt.flow_run.*.*", "evt.flow.*.*"], "evt.*.*.*"),
        (["evt.flow_run.a.created", "evt.flow_run.a.deleted"], "evt.flow_run.a.*"),
        (["evt.>", "evt.flow.*.*"], "evt.>"),
        (["evt.a", "evt.a.b"], "evt.>"),
        (["evt.a", "evt.a.>"], "evt.>"),
    ],
)
def test_one_wildcard_covers_several(wildcards: list[str], covering: str) -> None:
    assert subjects.covering(wildcards) == covering
