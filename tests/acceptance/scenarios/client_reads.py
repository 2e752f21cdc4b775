"""The client's ways to read: by filter, by count, by name, by id, states and task runs."""

import time

from prefect import flow, task
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas import filters as by
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort, FlowSort, TaskRunSort
from prefect.states import Scheduled

from tests.acceptance.say import say, say_error

UNKNOWN = "00000000-0000-4000-8000-000000000001"


@task(task_run_name="read-{number}", tags=["read"])
def work(number: int) -> int:
    return number


@flow(name="client-reads: first", flow_run_name="first-{number}")
def first(number: int) -> int:
    work(number)
    if number == 2:
        raise ValueError("the second fails")
    return number


@flow(name="client-reads: second", flow_run_name="second")
def second() -> None:
    """No tasks."""


def read_flow_runs(client: SyncPrefectClient) -> None:
    ours = by.FlowFilter(name=by.FlowFilterName(like_="client-reads:"))
    first_flow = by.FlowFilter(name=by.FlowFilterName(any_=["client-reads: first"]))
    completed = by.FlowRunFilter(
        state=by.FlowRunFilterState(type=by.FlowRunFilterStateType(any_=[StateType.COMPLETED]))
    )
    failed = by.FlowRunFilter(state=by.FlowRunFilterState(name=by.FlowRunFilterStateName(any_=["Failed"])))
    tagged = by.FlowRunFilter(tags=by.FlowRunFilterTags(all_=["odd"]))
    named = by.FlowRunFilter(name=by.FlowRunFilterName(like_="RST-"))
    unstarted = by.FlowRunFilter(start_time=by.FlowRunFilterStartTime(is_null_=True))
    filters = {
        "all": None,
        "completed": completed,
        "failed": failed,
        "tagged": tagged,
        "named": named,
        "new": unstarted,
    }
    for label, runs in filters.items():
        found = client.read_flow_runs(flow_filter=ours, flow_run_filter=runs, sort=FlowRunSort.NAME_ASC)
        say(label, [(run.name, run.state_name, run.run_count) for run in found])
    pages = [client.read_flow_runs(flow_filter=ours, sort=FlowRunSort.NAME_DESC, limit=2, offset=n) for n in (0, 2, 4)]
    say("pages", [[run.name for run in page] for page in pages])
    of_first = client.read_flow_runs(flow_filter=first_flow, sort=FlowRunSort.EXPECTED_START_TIME_ASC)
    say("in order", [run.name for run in of_first])
    with_tasks = by.TaskRunFilter(name=by.TaskRunFilterName(any_=["read-2"]))
    say("by task", [run.name for run in client.read_flow_runs(flow_filter=ours, task_run_filter=with_tasks)])
    say("flows", [f.name for f in client.read_flows(flow_filter=ours, sort=FlowSort.NAME_DESC)])
    say("flows by run", [f.name for f in client.read_flows(flow_filter=ours, flow_run_filter=failed)])


def read_task_runs(client: SyncPrefectClient) -> None:
    ours = by.FlowFilter(name=by.FlowFilterName(like_="client-reads:"))
    deadline = time.monotonic() + 15
    while True:
        runs = client.read_task_runs(flow_filter=ours, sort=TaskRunSort.NAME_ASC)
        ended = len(runs) == 3 and all(run.state.is_final() for run in runs)
        if ended or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    say("task runs", [(run.name, run.state_name, sorted(run.tags)) for run in runs])
    named = by.TaskRunFilter(name=by.TaskRunFilterName(like_="d-3"))
    say("named", [run.name for run in client.read_task_runs(flow_filter=ours, task_run_filter=named)])
    states = client.read_task_run_states(runs[0].id)
    say("states", [(state.type.value, state.name) for state in states])
    say("one", client.read_task_run(runs[0].id).name)


def main() -> None:
    ids = [first(number, return_state=True).state_details.flow_run_id for number in (1, 2, 3)]
    second()
    with get_client(sync_client=True) as client:
        client.create_flow_run(second, name="waiting", state=Scheduled(), tags=["odd", "b"])
        client.update_flow_run(ids[0], tags=["odd"])
        read_flow_runs(client)
        read_task_runs(client)
        flow_read = client.read_flow_by_name("client-reads: first")
        say("by name", flow_read.name)
        say("by id", client.read_flow(flow_read.id) == flow_read)
        say("states", [(s.type.value, s.name, s.message) for s in client.read_flow_run_states(ids[1])])
        say_error("no such flow", lambda: client.read_flow_by_name("client-reads: none"))
        say_error("no such run", lambda: client.read_flow_run(UNKNOWN))
        say_error("no such task run", lambda: client.read_task_run(UNKNOWN))
        say("no states", client.read_flow_run_states(UNKNOWN))


if __name__ == "__main__":
    main()
