"""Where Antiphon answers otherwise than Prefect on purpose, each with its reason and what it must answer instead."""

from dataclasses import dataclass, field
from typing import Any, Final

_VALIDATION: Final = frozenset({"exception_message", "exception_detail", "request_body"})


@dataclass(frozen=True, slots=True)
class Decided:
    """Answers that were decided on."""

    reason: str
    statuses: range = range(400, 500)
    #: The keys that the body must have: one of these sets.
    keys: tuple[frozenset[str], ...] = field(
        default=(_VALIDATION, frozenset({"exception_message"}), frozenset({"detail"}))
    )

    def violated_by(self, answer: dict[str, Any]) -> str:
        """Say how an answer is not one that was decided on; empty if it is."""
        body = answer.get("body")
        keys = frozenset(body) if isinstance(body, dict) else frozenset()
        if answer["status"] in self.statuses and keys in self.keys:
            return ""
        return f"decided: {self.reason}\ngiven: {str(answer)[:500]}"


#: The genuine server answers these with 500 or 503; the SDK even repeats a request that got a 503.
FAILURES: Final = Decided("what the genuine server fails on is refused in its form of a client error")

_SAME_ID: Final = "the id of a run follows from its idempotency key, also when the run was deleted in between"

_FLOW: Final = frozenset({"id", "created", "updated", "name", "tags", "labels"})
#: The keys of a flow run.
_FLOW_RUN: Final = frozenset(
    {
        "id",
        "created",
        "updated",
        "name",
        "flow_id",
        "state_id",
        "deployment_id",
        "deployment_version",
        "work_queue_id",
        "work_queue_name",
        "flow_version",
        "parameters",
        "idempotency_key",
        "context",
        "empirical_policy",
        "tags",
        "labels",
        "parent_task_run_id",
        "state_type",
        "state_name",
        "run_count",
        "expected_start_time",
        "next_scheduled_start_time",
        "start_time",
        "end_time",
        "total_run_time",
        "estimated_run_time",
        "estimated_start_time_delta",
        "auto_scheduled",
        "infrastructure_document_id",
        "infrastructure_pid",
        "created_by",
        "work_pool_id",
        "work_pool_name",
        "state",
        "job_variables",
    }
)

_NO_NUL: Final = "texts with U+0000 are stored without it; PostgreSQL fails under the genuine server"
_TAKEN: Final = range(200, 202)

#: By `table: case`.
DECIDED_DIFFERENCES: Final[dict[str, Decided]] = {
    "flow_runs: scheduled, other zone": Decided(
        "times are given back in UTC, also in the answer to a creation", range(201, 202), (_FLOW_RUN,)
    ),
    "flow_runs: created anew with its key": Decided(_SAME_ID, range(201, 202), (_FLOW_RUN,)),
    "flow_runs: anew read": Decided(_SAME_ID, range(200, 201), (_FLOW_RUN,)),
    "bad_input: NUL in a flow name": Decided(_NO_NUL, _TAKEN, (_FLOW,)),
    "bad_input: NUL in a tag": Decided(_NO_NUL, _TAKEN, (_FLOW,)),
    "bad_input: NUL in a run name": Decided(_NO_NUL, _TAKEN, (_FLOW_RUN,)),
    "bad_input: NUL in a message": Decided(_NO_NUL, _TAKEN, (frozenset({"state", "status", "details"}),)),
    # A list.
    "bad_input: NUL in a filter": Decided(_NO_NUL, _TAKEN, (frozenset(),)),
    "bad_input: NUL in parameters": Decided(_NO_NUL, _TAKEN, (_FLOW_RUN,)),
    "bad_input: NUL in a parameter's name": Decided(_NO_NUL, _TAKEN, (_FLOW_RUN,)),
    "form_schemas: validate: variable that looks like one": Decided(
        "a variable's value keeps the order of its keys, also in messages",
        range(200, 201),
        (frozenset({"errors", "valid"}),),
    ),
    "bad_input: filter a list": Decided("a list in place of an object is refused in fewer words"),
}


def decided_difference(case: str, genuine: dict[str, Any]) -> Decided | None:
    """Return what was decided for a case, if Antiphon is to answer otherwise."""
    if case in DECIDED_DIFFERENCES:
        return DECIDED_DIFFERENCES[case]
    return FAILURES if isinstance(genuine["status"], int) and genuine["status"] >= 500 else None
