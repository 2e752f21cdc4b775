"""Random programs of requests that move runs about: what `test_differential.py` plays on both servers."""

from itertools import chain
from typing import Any

from hypothesis import strategies as st

from tests.acceptance.pool_programs import pool_steps
from tests.acceptance.step import SALT, Step
from tests.acceptance.transition_matrix import TYPES
from tests.acceptance.value_programs import run_inputs, value_steps

#: Times that no normaliser touches, long past and far away.
PAST, FUTURE = "2001-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
#: Stands for how many runs have been deleted: a key that is used again after that is a decided difference.
EPOCH = "<epoch>"
_SCHEMA = '{"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}'
_KEYSET = {"schema": "schema", "response": "response"}


def _some(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with any of these keys; most often with few of them."""
    return st.fixed_dictionaries({}, optional=values)


def _weighted(*choices: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of these, in proportion to their weights."""
    return st.sampled_from([strategy for weight, strategy in choices for _ in range(weight)]).flatmap(lambda it: it)


def _seldom(values: st.SearchStrategy[Any], default: Any = None) -> st.SearchStrategy[Any]:
    return _weighted((3, st.just(default)), (1, values))


_ids = st.sampled_from([f"00000000-0000-4000-8000-00000000000{number}" for number in range(3)])
_times = st.sampled_from([PAST, FUTURE])
#: Most often the first, so that something happens to it.
_pick = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, 5])
_results = st.sampled_from(
    [
        None,
        {"type": "unpersisted"},
        {"type": "result", "x": 1},
        {"type": "result", "artifact_key": "key", "artifact_type": "table", "artifact_description": "d", "x": 2},
        {},
    ]
)
_names = {
    "SCHEDULED": ["Late", "AwaitingRetry", "Resuming", "Scheduled"],
    "PENDING": ["Pending", "Submitting", "InfrastructurePending"],
    "RUNNING": ["Retrying", "Rerunning"],
    "PAUSED": ["Suspended", "NotReady"],
    "COMPLETED": ["Cached"],
}

#: Most rules are about these.
_EVENTFUL = ("RUNNING", "RUNNING", "RUNNING", "PAUSED", "FAILED", "PENDING", "COMPLETED")

_flow_details = _some(
    scheduled_time=_times,
    transition_id=_ids,
    pause_timeout=_times,
    pause_key=st.sampled_from(["p", "q"]),
    pause_reschedule=st.booleans(),
    run_input_keyset=st.just(_KEYSET),
)
_task_details = _some(
    scheduled_time=_times,
    transition_id=_ids,
    cache_key=st.sampled_from([f"a {SALT}", f"b {SALT}", "x" * 2001 + SALT]),
    cache_expiration=_times,
    refresh_cache=st.booleans(),
    retriable=st.booleans(),
    deferred=st.booleans(),
    task_parameters_id=_ids,
    pause_timeout=_times,
)


@st.composite
def _states(draw: st.DrawFn, /, details: st.SearchStrategy[dict[str, Any]], **optional: Any) -> dict[str, Any]:
    kind = draw(st.sampled_from([*TYPES, *_EVENTFUL]))
    names = st.sampled_from([*_names.get(kind, []), "Named"])
    given = {"type": kind, "name": draw(_seldom(names)), "message": draw(_seldom(st.just("m")))}
    given["state_details"] = draw(st.one_of(st.just({}), details))
    if kind == "SCHEDULED" and given["state_details"].get("deferred"):
        # The genuine server fails on data here, when it reads the run again for its task workers.
        return given
    return given | draw(_some(**optional))


_flow_states = _states(_flow_details, data=_results)
_task_states = _states(_task_details, data=_results)
#: The genuine server fails on the creation of a run whose first state has data.
_first_flow_states, _first_task_states = _states(_flow_details), _states(_task_details)
_headers = _some(
    **{
        "x-prefect-api-version": st.sampled_from(["0.8.0", "0.8.2", "0.8.3", "0.8.4"]),
        "user-agent": st.sampled_from(["prefect/3.8.8 (API 0.8.4)", "prefect/3.4.10 (API 0.8.4)", "curl/8"]),
    }
)
_policies = _some(
    retries=st.integers(0, 2),
    retry_delay=st.sampled_from([0, 3600]),
    pause_keys=st.just(["p"]),
    resuming=st.booleans(),
)
_task_policies = _some(retries=st.integers(0, 2), retry_delay=st.sampled_from([0, 3600, [0, 3600], [3600, 0]]))
_tags = st.lists(st.sampled_from(["a", "b"]), max_size=2)
_force = _seldom(st.just(value=True), default=False)


def _proposals(action: str, states: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[Step]:
    body = st.fixed_dictionaries({"state": states, "force": _force})
    return st.builds(Step, st.just(action), of=_pick, body=body, headers=_headers)


_new_flow_run = st.builds(
    Step,
    st.just("create flow run"),
    within=_seldom(_pick),
    body=_some(
        state=_first_flow_states,
        empirical_policy=_policies,
        tags=_tags,
        idempotency_key=st.sampled_from([f"i {SALT} {EPOCH}", f"j {SALT} {EPOCH}"]),
        deployment_id=st.just("<deployment>"),
    ),
    headers=_headers,
)
_new_task_run = st.builds(
    Step,
    st.just("create task run"),
    within=st.one_of(_pick, _seldom(_pick)),
    body=_some(state=_first_task_states, empirical_policy=_task_policies, tags=_tags, dynamic_key=st.just(f"d {SALT}")),
    headers=_headers,
)
_resumes = st.builds(
    Step,
    st.just("resume"),
    of=_pick,
    body=st.fixed_dictionaries({"run_input": run_inputs}),
    headers=_headers,
)
_INPUT = {"key": "schema", "value": _SCHEMA}
_inputs = st.builds(Step, st.just("give input"), of=_pick, body=st.just(_INPUT))
_updates = st.builds(
    Step,
    st.just("update flow run"),
    of=_pick,
    body=_some(empirical_policy=_policies, infrastructure_pid=st.just("host:1"), tags=_tags),
)
_deletions = st.builds(Step, st.sampled_from(["delete flow run", "delete task run"]), of=_pick)
_bulk = st.builds(
    Step,
    st.just("bulk set state"),
    of=_pick,
    body=st.fixed_dictionaries({"state": _flow_states, "force": _force}),
    headers=_headers,
)
_moves_of_flow_runs = _proposals("set flow run state", _flow_states)
_moves_of_task_runs = _proposals("set task run state", _task_states)


def _state(kind: str, **details: Any) -> dict[str, Any]:
    return {"type": kind, "state_details": details}


@st.composite
def _story(draw: st.DrawFn, /, action: str, *states: dict[str, Any]) -> list[Step]:
    """One run proposed several states in a row: what chance alone seldom hits upon."""
    of = draw(_pick)
    return [Step(action, of, body={"state": state, "force": False}, headers=draw(_headers)) for state in states]


def _pause(**details: Any) -> dict[str, Any]:
    return _state("PAUSED", pause_timeout=FUTURE, **details)


@st.composite
def _pause_and_resume(draw: st.DrawFn, /) -> list[Step]:
    """A pause that asks for input or not, and what resumes it."""
    of = draw(_pick)
    pause = st.sampled_from([_pause(), _pause(run_input_keyset=_KEYSET), _pause(pause_reschedule=True)])
    states = [Step("set flow run state", of, body={"state": state}) for state in (_state("RUNNING"), draw(pause))]
    asked = [Step("give input", of, body=_INPUT)] if draw(st.booleans()) else []
    return [*states, *asked, Step("resume", of, body={"run_input": draw(run_inputs)}, headers=draw(_headers))]


_CACHED = f"a {SALT}"
_flow_stories = st.one_of(
    _pause_and_resume(),
    _story("set flow run state", _state("RUNNING"), _state("FAILED"), _state("RUNNING"), _state("FAILED")),
    _story("set flow run state", _state("RUNNING"), _pause(pause_key="p"), _state("RUNNING"), _pause(pause_key="p")),
    _story("set flow run state", _state("RUNNING"), _pause(run_input_keyset=_KEYSET)),
    _story("set flow run state", _state("RUNNING"), _pause(pause_reschedule=True)),
    _story("set flow run state", _state("RUNNING"), _pause(), _state("CANCELLING")),
    _story("set flow run state", _state("RUNNING"), _state("PAUSED", pause_timeout=PAST), _state("RUNNING")),
    _story("set flow run state", _state("SCHEDULED", scheduled_time=FUTURE), _state("PENDING"), _state("RUNNING")),
    _story("set flow run state", _state("SCHEDULED"), {"type": "SCHEDULED", "name": "Late"}, _state("CANCELLING")),
)
_task_stories = st.one_of(
    _story("set task run state", _state("RUNNING"), _state("COMPLETED", cache_key=_CACHED)),
    _story("set task run state", _state("RUNNING", cache_key=_CACHED)),
    _story("set task run state", _state("RUNNING"), _state("FAILED"), _state("RUNNING"), _state("FAILED")),
    _story("set task run state", _state("SCHEDULED", scheduled_time=FUTURE), _state("PENDING"), _state("RUNNING")),
    _story(
        "set task run state",
        *(_state(kind, deferred=True) for kind in ("SCHEDULED", "PENDING", "PENDING", "RUNNING", "COMPLETED")),
    ),
)
_single_steps = _weighted(
    (8, _moves_of_flow_runs),
    (8, _moves_of_task_runs),
    (1, _new_flow_run),
    (1, _new_task_run),
    (2, _resumes),
    (1, _inputs),
    (1, _updates),
    (1, _deletions),
    (1, _bulk),
    (6, pool_steps),
    (2, value_steps),
)
_steps = _weighted((6, _single_steps.map(lambda step: [step])), (1, _flow_stories), (1, _task_stories))


def programs() -> st.SearchStrategy[list[Step]]:
    """A flow run and a task run in it to begin with, then whatever comes."""
    running = st.builds(
        Step,
        st.just("create flow run"),
        body=st.fixed_dictionaries(
            {"state": st.just({"type": "RUNNING"})},
            optional={"empirical_policy": _policies, "deployment_id": st.just("<deployment>")},
        ),
    )
    within = st.builds(
        Step,
        st.just("create task run"),
        within=st.just(0),
        body=st.fixed_dictionaries({}, optional={"empirical_policy": _task_policies}),
    )
    begin = st.tuples(st.one_of(running, _new_flow_run), st.one_of(within, _new_task_run))
    # The short ones are what a long one shrinks to.
    rest = st.one_of(st.lists(_steps, max_size=10), st.lists(_steps, min_size=20, max_size=40))
    return st.builds(lambda first, then: [*first, *chain.from_iterable(then)], begin, rest)
