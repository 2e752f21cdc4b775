"""Direct requests get the same answers from Antiphon as from the genuine server."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from tests.acceptance.cases import (
    artifacts,
    bad_input,
    bulk_states,
    concurrency,
    deployments,
    flow_run_filters,
    flow_runs,
    flows,
    history,
    hydration,
    inputs,
    limits,
    logs,
    pool_runs,
    service,
    states,
    subflows,
    task_runs,
    task_states,
    variables,
    work_pools,
)
from tests.acceptance.cases.case import Case, resolved
from tests.acceptance.conftest import running_pair
from tests.acceptance.decided import decided_difference
from tests.acceptance.normal import Normalizer, difference, shown
from tests.acceptance.server import Server
from tests.servers import PostgresServer

pytestmark = pytest.mark.acceptance

TABLES: dict[str, Sequence[Case]] = {
    "service": service.CASES,
    "flows": flows.CASES,
    "flow_runs": flow_runs.CASES,
    "flow_run_filters": flow_run_filters.CASES,
    "history": history.CASES,
    "inputs": inputs.CASES,
    "states": states.CASES,
    "bulk_states": bulk_states.CASES,
    "subflows": subflows.CASES,
    "task_runs": task_runs.CASES,
    "task_states": task_states.CASES,
    "logs": logs.CASES,
    "deployments": deployments.CASES,
    "flow_run_concurrency": concurrency.FLOW_RUN_CASES,
    "task_run_concurrency": concurrency.TASK_RUN_CASES,
    "limits": limits.V2_CASES,
    "tag_limits": limits.V1_CASES,
    "work_pools": work_pools.POOL_CASES,
    "work_queues": work_pools.QUEUE_CASES,
    "pool_runs": pool_runs.CASES,
    "variables": variables.CASES,
    "artifacts": artifacts.CASES,
    "result_artifacts": artifacts.RESULT_CASES,
    "hydrated_parameters": hydration.PARAMETERS,
    "hydrated_inputs": hydration.INPUTS,
    "form_schemas": hydration.SCHEMAS,
    "bad_input": bad_input.CASES,
}

#: The headers that are part of an answer's meaning.
_HEADERS = ("content-type", "location", "allow", "retry-after")


def _answers(cases: Sequence[Case], server: Server) -> list[Any]:
    """Send the requests of a table in order, and return the normalised answers."""
    normalize = Normalizer({server.api_url.removesuffix("/api"): "<server>"})
    saved: dict[str, Any] = {}
    answers = []
    # A connection each: a server may close the one on which a request failed.
    limits = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=server.api_url, timeout=60, limits=limits) as api:
        for case in cases:
            try:
                response = _sent(case, api, saved)
            except (KeyError, httpx.TransportError) as error:
                # An earlier answer is missing, or there is none at all.
                answers.append({"status": f"no answer: {error!r}"})
                continue
            if case.save and response.is_success:
                answer = response.json()
                # Of a list the first.
                answer = saved[case.save] = answer[0] if isinstance(answer, list) else answer
                named = answer.get("id") or answer.get("lease_id") or answer["state"]["id"]
                normalize.name(named, f"<{case.save}.id>")
            answers.append(_shown(case, response, normalize))
    return answers


def _sent(case: Case, api: httpx.Client, saved: dict[str, Any]) -> httpx.Response:
    path, body = resolved(case.path, saved), resolved(case.body, saved)
    if case.content is None:
        return api.request(case.method, path, json=body, headers=case.headers)
    content = resolved(case.content.decode("latin-1"), saved).encode("latin-1")
    return api.request(case.method, path, content=content, headers=case.headers)


def _shown(case: Case, response: httpx.Response, normalize: Normalizer) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        body = response.text
    if isinstance(body, dict) and not (isinstance(case.body, dict) and case.body.get("name")):
        # Made up by the server, unless the request gave it.
        normalize.generated_name(body)
    body = normalize(body)
    if case.unordered and isinstance(body, list):
        body = sorted(body, key=shown)
    if case.of_all and response.is_success:
        body = f"<{type(body).__name__}>"
    headers = {name: normalize(response.headers[name]) for name in _HEADERS if name in response.headers}
    if "." in headers.get("retry-after", "").removesuffix(".0"):
        # At random.
        headers["retry-after"] = "<delay>"
    return {"status": response.status_code, "headers": headers, "body": body}


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers of both servers to all tables."""

    theirs: dict[str, list[Any]]
    ours: dict[str, list[Any]]
    judges_itself: bool


@pytest.fixture(scope="module")
def answered(postgres_server: PostgresServer) -> Answered:
    """Send all tables in order to servers of their own: some answers are about the records of other tables too."""
    with running_pair(postgres_server) as pair:
        pair.make_default_pool()
        found = {
            table: pair.answers(f"tables/{table}", cases, partial(_answers, cases)) for table, cases in TABLES.items()
        }
    theirs, ours = ({table: both[side] for table, both in found.items()} for side in (0, 1))
    return Answered(theirs, ours, pair.judges_itself)


@pytest.mark.parametrize("table", TABLES)
def test_requests_are_answered_alike(table: str, answered: Answered) -> None:
    cases = TABLES[table]
    assert len({case.name for case in cases if case.save}) == len([case for case in cases if case.save])
    found = []
    for case, theirs, ours in zip(cases, answered.theirs[table], answered.ours[table], strict=True):
        decided = None if answered.judges_itself else decided_difference(f"{table}: {case.name}", theirs)
        differs = decided.violated_by(ours) if decided else difference(theirs, ours)
        if differs:
            found.append(f"--- {table}: {case.name} ({case.method} {case.path})\n{differs}")
    if found:
        pytest.fail(f"{len(found)} of {len(cases)} requests:\n" + "\n".join(found), pytrace=False)
