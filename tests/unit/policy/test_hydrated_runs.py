"""Runs of deployments whose parameters stand for other values: recorded is what was made of them, or nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from antiphon.events.document.commands import CreateDeployment, CreateFlow, UpdateDeployment
from antiphon.events.flow_run.commands import CreateFlowRun
from antiphon.events.outcome import Answer, Status
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Situation
from antiphon.services.policy.kinds.flow_run import from_deployment
from antiphon.services.prefect.prefect_kind import HYDRATION, are_alike, is_dehydrated
from tests.examples import NOW
from tests.world import World

FLOW, DEPLOYMENT = Aggregate("flow", str(UUID(int=1))), Aggregate("deployment", str(UUID(int=2)))
RUN = Aggregate("flow_run", str(UUID(int=3)))
STANDS_FOR_ONE = {"__prefect_kind": "json", "value": "1"}


def world(parameters: dict[str, Any]) -> World:
    """A deployment with these parameters."""
    made = World()
    made.when(FLOW, CreateFlow(data={"name": "flow"}))
    data = {"name": "d", "flow_id": FLOW.id, "parameters": parameters, "enforce_parameter_schema": False}
    assert made.when(DEPLOYMENT, CreateDeployment(data=data)).status is Status.CREATED
    return made


def run(made: World, parameters: dict[str, Any], **fields: Any) -> Answer:
    """Create a run of it."""
    command = _command(parameters, **fields)
    return made.when(RUN, command)


def _command(parameters: dict[str, Any], **fields: Any) -> CreateFlowRun:
    return CreateFlowRun(
        flow_id=UUID(FLOW.id),
        deployment_id=UUID(DEPLOYMENT.id),
        from_deployment=True,
        parameters=parameters,
        **fields,
    )


def test_what_was_made_is_taken_as_a_whole() -> None:
    made = world({"x": STANDS_FOR_ONE, "gone": STANDS_FOR_ONE})
    command = _command({"x": 1}, hydrated_from={"x": STANDS_FOR_ONE, "gone": STANDS_FOR_ONE})
    situation = Situation(
        aggregate=RUN,
        state=made.state(RUN),
        others={key: made.state(key) for key in (FLOW, DEPLOYMENT)},
        now=NOW,
        command_id=UUID(int=9),
    )
    filled_in = from_deployment.filled_in(command, situation)
    assert isinstance(filled_in, CreateFlowRun)
    assert filled_in.parameters == {"x": 1}
    assert made.when(RUN, command).status is Status.CREATED


def test_nothing_is_made_of_parameters_that_the_deployment_no_longer_has() -> None:
    made = world({"x": STANDS_FOR_ONE})
    made.when(DEPLOYMENT, UpdateDeployment(changes={"parameters": {"x": 2}}, checks_parameters=False))
    answer = run(made, {"x": 1}, hydrated_from={"x": STANDS_FOR_ONE})
    assert (answer.status, answer.rule) == (Status.CONFLICT, HYDRATION)
    assert not made.state(RUN).exists


@pytest.mark.parametrize(
    ("of_deployment", "of_run", "is_refused"),
    [
        ({"x": STANDS_FOR_ONE}, {}, True),
        ({"x": STANDS_FOR_ONE}, {"x": 5}, False),
        ({}, {"x": [{"y": STANDS_FOR_ONE}]}, True),
        ({"x": 1}, {}, False),
    ],
)
def test_no_run_has_parameters_that_stand_for_others(
    of_deployment: dict[str, Any], of_run: dict[str, Any], *, is_refused: bool
) -> None:
    answer = run(world(of_deployment), of_run)
    assert (answer.rule == HYDRATION) is is_refused


def test_numbers_are_alike_in_every_form_a_database_gives_them() -> None:
    assert are_alike({"x": [1e300, 1.0, 100000]}, {"x": [10**300, 1, 1e5]})
    assert not are_alike({"x": 1}, {"x": "1"})
    assert not are_alike({"x": 1}, {"x": True})
    assert not is_dehydrated({"x": "__prefect_kind"})
