"""Everything a server shows about the runs of one scenario, in a form that two servers can agree on."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx

from tests.acceptance.normal import Normalizer, shown, without_times

Json: TypeAlias = dict[str, Any]

_PAGE = 200
_TERMINAL = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})


@dataclass(slots=True)
class Recorded:
    """What was read, as the server gave it."""

    flows: list[Json]
    flow_runs: list[Json]
    task_runs: list[Json]
    logs: list[Json]
    artifacts: list[Json]
    #: States of each run, by run id, in the server's order.
    states: dict[str, list[Json]] = field(default_factory=dict)
    #: Each run as it is read by its id.
    alone: dict[str, Json] = field(default_factory=dict)

    @property
    def settled(self) -> bool:
        """Say whether every task run came to its end, or never could begin; their events arrive late."""
        return all(run["state_type"] in _TERMINAL or run["state_name"] == "NotReady" for run in self.task_runs)


def read(api: httpx.Client, prefix: str) -> Recorded:
    """Read all runs of the flows whose names begin with the prefix."""
    of_flows = {"flows": {"name": {"like_": prefix}}}
    recorded = Recorded(
        flows=_all(api, "/flows/filter", of_flows),
        flow_runs=_all(api, "/flow_runs/filter", of_flows),
        task_runs=_all(api, "/task_runs/filter", of_flows),
        logs=[],
        artifacts=_all(api, "/artifacts/filter", of_flows),
    )
    if recorded.flow_runs:
        of_runs = {"logs": {"flow_run_id": {"any_": [run["id"] for run in recorded.flow_runs]}}}
        recorded.logs = _all(api, "/logs/filter", of_runs)
    for kind, runs in (("flow_run", recorded.flow_runs), ("task_run", recorded.task_runs)):
        for run in runs:
            answer = api.get(f"/{kind}_states/", params={f"{kind}_id": run["id"]}).raise_for_status()
            recorded.states[run["id"]] = answer.json()
            recorded.alone[run["id"]] = api.get(f"/{kind}s/{run['id']}").raise_for_status().json()
    return recorded


def _all(api: httpx.Client, path: str, body: Json) -> list[Json]:
    items: list[Json] = []
    while True:
        page = api.post(path, json={**body, "offset": len(items), "limit": _PAGE}).raise_for_status().json()
        items += page
        if len(page) < _PAGE:
            return items


def normalized(recorded: Recorded, normalize: Normalizer) -> Json:
    """Name what was read and order it by these names; ids and times show only as what they belong to."""
    for flow in recorded.flows:
        normalize.name(flow["id"], f"<flow {flow['name']}>")
    for run in recorded.flow_runs:
        normalize.name(run["id"], f"<flow run {run['name']}>")
    _name_generated_task_run_names(recorded.task_runs, normalize)
    _name_task_runs(recorded, normalize)
    _name_states(recorded, normalize)
    return {
        "flows": _by_content([normalize(flow) for flow in recorded.flows]),
        "flow runs": _with_states(recorded.flow_runs, recorded, normalize),
        "task runs": _with_states(recorded.task_runs, recorded, normalize),
        "artifacts": _by_content([normalize(artifact) for artifact in recorded.artifacts]),
        "logs": _logs_by_run(recorded.logs, normalize),
    }


def _name_generated_task_run_names(task_runs: list[Json], normalize: Normalizer) -> None:
    """The SDK ends the name of an unnamed task's run with the first digits of its random dynamic key."""
    for run in task_runs:
        generated = re.fullmatch(r"(.+)-([0-9a-f]{3})", run["name"])
        if generated and run["dynamic_key"].startswith(generated[2]):
            normalize.name(run["name"], f"{generated[1]}-<key>")


def _name_task_runs(recorded: Recorded, normalize: Normalizer) -> None:
    """Number runs of one name within one flow run as they were expected to start."""
    counts: dict[str, int] = {}
    for run in sorted(recorded.task_runs, key=lambda run: (run["expected_start_time"] or "", run["id"])):
        place = f"{normalize.text(run['flow_run_id'] or '')} {normalize.text(run['name'])}"
        counts[place] = counts.get(place, 0) + 1
        normalize.name(run["id"], f"<task run {place} #{counts[place]}>")


def _name_states(recorded: Recorded, normalize: Normalizer) -> None:
    """Name states and their times, so that a run's own times show which state they were taken from."""
    for run_id, states in recorded.states.items():
        for place, state in enumerate(states, 1):
            normalize.name(state["id"], f"<state {place} of {normalize.text(run_id)}>")
        for time, name in _times(states, run_id, normalize).items():
            normalize.name(time, name)


def _times(states: list[Json], run_id: str, normalize: Normalizer) -> dict[str, str]:
    run = normalize.text(run_id)
    return {state["timestamp"]: f"<time of state {place} of {run}>" for place, state in enumerate(states, 1)}


def _with_states(runs: list[Json], recorded: Recorded, normalize: Normalizer) -> list[Json]:
    return _by_content([_with_its_states(run, recorded, normalize) for run in runs])


def _with_its_states(run: Json, recorded: Recorded, normalize: Normalizer) -> Json:
    states = recorded.states[run["id"]]
    # Of many runs at once two have a state of the same microsecond: each shows the time as its own.
    own = normalize.besides(_times(states, run["id"], normalize))
    # Read by id or found by a filter, a run is the same.
    alone = "equal" if own(recorded.alone[run["id"]]) == own(run) else "differs"
    return {**own({**run, "states": states}), "read alone": alone}


def _by_content(items: list[Json]) -> list[Json]:
    return sorted(items, key=lambda item: (str(item.get("id")), shown(item)))


def _logs_by_run(logs: list[Json], normalize: Normalizer) -> dict[str, list[Json]]:
    """Keep the order of time within one run; runs that go on at once mix as they like."""
    by_run: dict[str, list[Json]] = {}
    for line in logs:
        of_run = json.dumps(normalize([line["flow_run_id"], line["task_run_id"]]))
        # A line may be of the same microsecond as a state, by chance.
        by_run.setdefault(of_run, []).append(normalize({**line, "timestamp": without_times(line["timestamp"])}))
    return by_run
