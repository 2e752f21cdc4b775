"""Work pools: their queues, the order of these, and what deployments and runs ask of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from antiphon.events.document.commands import CreateDeployment, CreateFlow, UpdateDeployment
from antiphon.events.flow_run.commands import CreateFlowRun
from antiphon.events.outcome import Status
from antiphon.events.subjects import Aggregate
from antiphon.events.work_pool.commands import (
    DEFAULT_POOL,
    CreateWorkPool,
    CreateWorkQueue,
    DeleteWorkPool,
    DeleteWorkQueue,
    UpdateWorkPool,
    UpdateWorkQueue,
)
from antiphon.services.policy.kinds.work_pool import priorities
from antiphon.services.policy.kinds.work_pool.model import name_of
from antiphon.services.policy.kinds.work_pool.state import WorkPool
from tests.world import World

POOL, OTHER = Aggregate("work_pool", str(UUID(int=1))), Aggregate("work_pool", str(UUID(int=2)))
FLOW, DEPLOYMENT = Aggregate("flow", str(UUID(int=3))), Aggregate("deployment", str(UUID(int=4)))
RUN = Aggregate("flow_run", str(UUID(int=5)))
QUEUES = [UUID(int=10 + number) for number in range(5)]


def world(**fields: Any) -> World:
    """A flow and a pool."""
    made = World()
    made.when(FLOW, CreateFlow(data={"name": "flow"}))
    assert made.when(POOL, CreateWorkPool(data={"name": "pool", "type": "process", **fields})).status is Status.CREATED
    return made


def pool(made: World, key: Aggregate = POOL) -> WorkPool:
    """What the pool is now."""
    state = made.state(key)
    assert isinstance(state, WorkPool)
    return state


def order(made: World) -> dict[str, int]:
    """The queues of the pool with their priorities, in their order."""
    found = {queue["name"]: queue["priority"] for queue in pool(made).queues.values()}
    return dict(sorted(found.items(), key=lambda item: item[1]))


def with_queue(made: World, queue_id: UUID, name: str, **fields: Any) -> Status:
    """Create a queue."""
    return made.when(POOL, CreateWorkQueue(queue_id=queue_id, data={"name": name, **fields})).status


def test_a_pool_begins_with_its_default_queue() -> None:
    made = world()
    assert order(made) == {"default": 1}
    assert list(pool(made).queues) == [pool(made).data["default_queue_id"]]


def test_a_name_is_taken_until_its_pool_is_deleted() -> None:
    made = world()
    refused = made.when(OTHER, CreateWorkPool(data={"name": "pool"}))
    assert (refused.status, refused.aggregate_id) == (Status.CONFLICT, POOL.id)
    assert made.when(POOL, DeleteWorkPool()).status is Status.DELETED
    assert not pool(made).exists
    assert made.when(OTHER, CreateWorkPool(data={"name": "pool"})).status is Status.CREATED
    assert made.state(name_of("pool")).owner == OTHER.id


def test_a_queue_goes_where_it_is_wanted_and_others_make_room() -> None:
    made = world()
    with_queue(made, QUEUES[0], "one")
    with_queue(made, QUEUES[1], "first", priority=1)
    assert order(made) == {"first": 1, "default": 2, "one": 3}
    made.when(POOL, UpdateWorkQueue(queue_id=QUEUES[0], changes={"priority": 1}))
    assert order(made) == {"one": 1, "first": 2, "default": 3}
    made.when(POOL, UpdateWorkQueue(queue_id=QUEUES[0], changes={"priority": 9}))
    with_queue(made, QUEUES[2], "gap")
    assert order(made) == {"gap": 1, "first": 2, "default": 3, "one": 9}


def test_agents_change_a_priority_without_asking_others_to_make_room() -> None:
    made = world()
    with_queue(made, QUEUES[0], "one")
    made.when(POOL, UpdateWorkQueue(queue_id=QUEUES[0], changes={"priority": 1}, makes_room=False))
    assert order(made) == {"default": 1, "one": 1}


def test_names_of_queues_are_unique_within_their_pool() -> None:
    made = world()
    with_queue(made, QUEUES[0], "one")
    assert with_queue(made, QUEUES[1], "one") is Status.CONFLICT
    renamed = made.when(POOL, UpdateWorkQueue(queue_id=QUEUES[0], changes={"name": "default"}))
    assert renamed.status is Status.CONFLICT
    assert made.when(POOL, UpdateWorkQueue(queue_id=QUEUES[0], changes={"name": "two"})).status is Status.UPDATED
    assert with_queue(made, QUEUES[1], "one") is Status.CREATED


def test_the_default_queue_stays() -> None:
    made = world()
    default = UUID(pool(made).data["default_queue_id"])
    assert made.when(POOL, DeleteWorkQueue(queue_id=default)).status is Status.CONFLICT
    with_queue(made, QUEUES[0], "one")
    assert made.when(POOL, DeleteWorkQueue(queue_id=QUEUES[0])).status is Status.DELETED
    assert made.when(POOL, DeleteWorkQueue(queue_id=QUEUES[0])).status is Status.NOT_FOUND


def test_what_cannot_be_null_is_not() -> None:
    made = world()
    for changes in ({"is_paused": None}, {"base_job_template": None}):
        assert made.when(POOL, UpdateWorkPool(changes=changes)).status is Status.CONFLICT
    assert made.when(POOL, UpdateWorkPool(changes={"concurrency_limit": None})).status is Status.UPDATED
    assert made.when(POOL, UpdateWorkPool(changes={"name": "other"})).status is Status.INVALID


def test_a_paused_queue_says_so_until_it_goes_on() -> None:
    made = world()
    with_queue(made, QUEUES[0], "one")
    for is_paused, status in ((True, "PAUSED"), (False, None)):
        made.when(POOL, UpdateWorkQueue(queue_id=QUEUES[0], changes={"is_paused": is_paused}))
        assert pool(made).queues[str(QUEUES[0])]["status"] == status


def deployed(made: World, **fields: Any) -> Any:
    """What a creation of the deployment led to."""
    return made.when(DEPLOYMENT, CreateDeployment(data={"name": "d", "flow_id": FLOW.id, **fields}))


def test_a_deployment_makes_the_queue_that_it_names() -> None:
    made = world()
    assert deployed(made, work_pool_name="pool", work_queue_name="new").status is Status.CREATED
    data = made.state(DEPLOYMENT).data
    assert (data["work_pool_id"], data["work_queue_id"]) == (POOL.id, pool(made).named("new"))
    made.when(DEPLOYMENT, UpdateDeployment(changes={"work_pool_name": "pool"}, checks_parameters=False))
    assert made.state(DEPLOYMENT).data["work_queue_id"] == pool(made).data["default_queue_id"]
    made.when(DEPLOYMENT, UpdateDeployment(changes={"work_pool_name": None}, checks_parameters=False))
    assert made.state(DEPLOYMENT).data["work_queue_id"] is None


def test_a_deployment_that_is_refused_makes_no_queue() -> None:
    made = world()
    assert (
        deployed(made, flow_id=str(UUID(int=99)), work_pool_name="pool", work_queue_name="new").status
        is Status.CONFLICT
    )
    assert deployed(made, work_pool_name="none").status is Status.NOT_FOUND
    assert pool(made).named("new") is None
    assert not made.state(DEPLOYMENT).exists


def test_a_queue_that_is_named_alone_is_made_in_the_pool_of_agents() -> None:
    made = world()
    deployed(made, work_queue_name="alone")
    agents = Aggregate("work_pool", made.state(name_of(DEFAULT_POOL)).owner)
    queues = {queue["name"]: queue["priority"] for queue in pool(made, agents).queues.values()}
    assert queues == {"default": 2, "alone": 1}
    assert made.state(DEPLOYMENT).data["work_queue_id"] == pool(made, agents).named("alone")


def test_job_variables_must_fit_the_template() -> None:
    properties = {"cpu": {"type": "integer"}, "image": {"type": "string", "default": "i"}}
    variables = {"type": "object", "properties": properties, "required": ["cpu"]}
    made = world(base_job_template={"job_configuration": {"cpu": "{{ cpu }}"}, "variables": variables})
    refused = deployed(made, work_pool_name="pool", job_variables={"cpu": "x"})
    assert (refused.status, refused.rule) == (Status.CONFLICT, "job_variables")
    assert deployed(made, work_pool_name="pool").status is Status.CREATED
    command = CreateFlowRun(flow_id=UUID(FLOW.id), deployment_id=UUID(DEPLOYMENT.id), from_deployment=True)
    unchecked = {"enforce_parameter_schema": False}
    lacking = made.when(RUN, command.model_copy(update=unchecked))
    assert (lacking.status, lacking.rule) == (Status.CONFLICT, "job_variables")
    made.when(RUN, command.model_copy(update={**unchecked, "job_variables": {"cpu": 1}}))
    assert made.state(RUN).exists


def test_a_default_that_does_not_fit_is_refused() -> None:
    variables = {"type": "object", "properties": {"cpu": {"type": "integer", "default": "many"}}}
    template = {"job_configuration": {"cpu": "{{ cpu }}"}, "variables": variables}
    refused = World().when(POOL, CreateWorkPool(data={"name": "pool", "base_job_template": template}))
    assert refused.reason is not None
    assert refused.reason.startswith("Validation failed for work pool's job variable defaults: ")
    broken: dict[str, Any] = {"job_configuration": {}, "variables": ["no object"]}
    assert World().when(POOL, CreateWorkPool(data={"name": "p", "base_job_template": broken})).status is Status.CONFLICT


def test_a_run_is_in_a_pool_only_where_that_has_the_queue() -> None:
    made = world()
    command = CreateFlowRun(flow_id=UUID(FLOW.id), work_pool_name="pool", work_queue_name="none")
    assert made.when(RUN, command).status is Status.NOT_FOUND
    assert pool(made).named("none") is None
    made.when(RUN, command.model_copy(update={"work_queue_name": None}))
    assert made.state(RUN).exists


@given(st.lists(st.integers(1, 8), min_size=1, max_size=6, unique=True), st.integers(0, 5), st.integers(1, 9))
def test_after_room_was_made_priorities_are_in_order(taken: list[int], which: int, to: int) -> None:
    present = {str(number): priority for number, priority in enumerate(taken)}
    moved = str(which % len(taken))
    changed = present | priorities.made_room(present, moved, to)
    assert changed[moved] == to
    assert len(set(changed.values())) == len(changed)
    others = [key for key in sorted(present, key=lambda key: present[key]) if key != moved]
    assert others == sorted(others, key=lambda key: changed[key])


@given(st.lists(st.integers(1, 8), max_size=6, unique=True))
def test_the_first_free_priority_is_free(taken: list[int]) -> None:
    free = priorities.first_free(taken)
    assert free not in taken
    assert set(range(1, free)) <= set(taken)
