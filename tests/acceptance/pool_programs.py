"""Random steps about work pools, queues in them, and deployments that are in these."""

from typing import Any

from hypothesis import strategies as st

from tests.acceptance.step import SALT, Request, Step
from tests.acceptance.value_programs import parameters

#: Each program has two pools, which may be there or not.
_POOLS = (f"p {SALT}", f"q {SALT}")
_QUEUES = ("default", "fast", "slow")

_pick = st.integers(0, 5)
_pools = st.sampled_from([0, 0, 0, 0, 0, 1])
_limits = st.sampled_from([None, 0, 1, 2])
_priorities = st.sampled_from([1, 2, 3, 7])


def _some(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=values)


def _steps(action: str, body: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[Step]:
    """`of` picks a pool or a deployment, `within` a queue."""
    return st.builds(Step, st.just(action), of=_pools, within=_pick, body=body)


_settings = {"is_paused": st.booleans(), "concurrency_limit": _limits, "description": st.sampled_from(["x", "y"])}
_places = _some(
    work_pool_name=st.sampled_from([*_POOLS, _POOLS[0], None]),
    work_queue_name=st.sampled_from([*_QUEUES, f"made {SALT}", None]),
)
_variables = _some(job_variables=st.sampled_from([{}, {"a": 1}]), tags=st.just(["t"]), parameters=parameters)

pool_steps: st.SearchStrategy[Step] = st.one_of(
    _steps("make pool", _some(type=st.sampled_from(["process", "prefect-agent"]), **_settings)),
    _steps(
        "make queue",
        _some(name=st.sampled_from([*_QUEUES, "new", "newer", "newest"]), priority=_priorities, **_settings),
    ),
    _steps("change pool", _some(**_settings)),
    _steps("change queue", _some(name=st.sampled_from(_QUEUES), priority=_priorities, **_settings)),
    _steps("take queue away", st.just({})),
    # Seldom, and then most often the one that is not there.
    st.builds(Step, st.just("take pool away"), of=st.sampled_from([1, 1, 1, 1, 0])),
    _steps("put deployment", st.builds(lambda place, rest: place | rest, _places, _variables)),
    _steps("move deployment", st.builds(lambda place, rest: place | rest, _places, _some(parameters=parameters))),
    _steps(
        "run deployment",
        _some(work_queue_name=st.sampled_from(_QUEUES), idempotency_key=st.just(f"k {SALT}"), parameters=parameters),
    ),
    _steps("ask for work", _some(work_queue_names=st.lists(st.sampled_from(_QUEUES), max_size=2, unique=True))),
    _steps("look at queues", st.just({})),
)


def beginning(salt: str) -> list[Request]:
    """What every program finds: the first pool, with a queue."""
    pool = _POOLS[0].replace(SALT, salt)
    return [
        ("POST", "/work_pools/", {"name": pool, "type": "process"}),
        ("POST", f"/work_pools/{pool}/queues", {"name": "fast"}),
    ]


def pools(salt: str) -> list[str]:
    """The names of the pools of a program."""
    return [name.replace(SALT, salt) for name in _POOLS]


def ending(salt: str) -> list[Request]:
    """What is looked at in the end."""
    names = pools(salt)
    found: list[Request] = [("POST", "/work_pools/filter", {"work_pools": {"name": {"any_": names}}})]
    return found + [("POST", f"/work_pools/{name}/queues/filter", {}) for name in names]


#: Method and path by the action; what is not of a pool is of a deployment.
_OF_POOL = {
    "make pool": ("POST", "/work_pools/"),
    "make queue": ("POST", "/work_pools/{pool}/queues"),
    "change pool": ("PATCH", "/work_pools/{pool}"),
    "change queue": ("PATCH", "/work_pools/{pool}/queues/{queue}"),
    "take queue away": ("DELETE", "/work_pools/{pool}/queues/{queue}"),
    "take pool away": ("DELETE", "/work_pools/{pool}"),
    "ask for work": ("POST", "/work_pools/{pool}/get_scheduled_flow_runs"),
    "look at queues": ("POST", "/work_pools/{pool}/queues/filter"),
}


def request(step: Step, body: dict[str, Any], salt: str, flow_id: str, deployments: list[str]) -> Request | None:
    """The request of a step; None where it speaks of a deployment and there is none."""
    pool = _POOLS[step.of % 2].replace(SALT, salt)
    if step.action in _OF_POOL:
        method, path = _OF_POOL[step.action]
        named = {"make pool": {"name": pool}, "make queue": {"name": "fast"}}.get(step.action, {})
        queue = _QUEUES[(step.within or 0) % len(_QUEUES)]
        return method, path.format(pool=pool, queue=queue), None if method == "DELETE" else named | body
    if step.action == "put deployment":
        return "POST", "/deployments/", {"name": f"d{step.of} {salt}", "flow_id": flow_id} | body
    if not deployments:
        return None
    path = f"/deployments/{deployments[step.of % len(deployments)]}"
    return ("PATCH", path, body) if step.action == "move deployment" else ("POST", f"{path}/create_flow_run", body)
