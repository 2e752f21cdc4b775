"""Limits, leases and deployments as rows, and the slots that SQL counts in them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg

from antiphon.events.document.events import DeploymentCreated, DeploymentDeleted, DeploymentUpdated
from antiphon.events.limit.events import (
    LeaseExpired,
    LeaseGranted,
    LeaseReleased,
    LeaseRenewed,
    LimitChanges,
    LimitCreated,
    LimitDeleted,
    LimitReset,
    LimitUpdated,
    SlotsAcquired,
)
from antiphon.events.limit.slots import Holder, LimitReference, SlotCounts
from antiphon.events.subjects import Aggregate
from antiphon.projections.core.reading import configure
from antiphon.projections.limit import queries
from antiphon.services.policy.kinds.deployment.model import Deployment
from antiphon.services.policy.kinds.limit.arithmetic import active_slots
from antiphon.services.policy.kinds.limit.state import Limit
from antiphon.services.runtime import clock
from tests.examples import FLOW_ID, NOW, TASK_ID
from tests.projection_scenario import ProjectionScenario

LIMIT_ID, OTHER_ID, LEASE_ID, DEPLOYMENT_ID = (UUID(int=number) for number in (1, 2, 3, 4))
LIMIT, OTHER = Aggregate("limit", str(LIMIT_ID)), Aggregate("limit", str(OTHER_ID))
LEASE, DEPLOYMENT = Aggregate("lease", str(LEASE_ID)), Aggregate("deployment", str(DEPLOYMENT_ID))
HOLDER = Holder(type="task_run", id=TASK_ID)


def created(name: str, tally: SlotCounts | None = None, decay: float = 0.0) -> LimitCreated:
    tally = tally or SlotCounts(at=NOW)
    return LimitCreated(name=name, limit=5, active=True, slot_decay_per_second=decay, tally=tally)


def granted(*limit_ids: UUID) -> LeaseGranted:
    limits = tuple(LimitReference(id=limit_id, name="l", limit=5) for limit_id in limit_ids)
    return LeaseGranted(limits=limits, slots=1, holder=HOLDER, granted_at=NOW, expires_at=NOW + timedelta(seconds=60))


async def test_a_limit_is_created_counted_changed_and_deleted(projections: ProjectionScenario) -> None:
    taken = SlotsAcquired(slots=2, lease_id=LEASE_ID, tally=SlotCounts(leased_slots=2, denied_slots=1, at=NOW))
    there = projections.given((LIMIT, created("a")), (LIMIT, taken))
    (await there.when()).then("concurrency_limit", {"name": "a", "slot_limit": 5, "leased_slots": 2, "denied_slots": 1})
    renamed = LimitUpdated(changes=LimitChanges(name="b", active=False), tally=SlotCounts(leased_slots=2, at=NOW))
    (await there.when((LIMIT, renamed))).then(
        "concurrency_limit", {"name": "b", "active": False, "slot_limit": 5, "leased_slots": 2, "denied_slots": 0}
    )
    (await there.when((LIMIT, LimitDeleted()))).then_nothing("concurrency_limit")


async def test_a_lease_is_there_as_long_as_it_lasts(projections: ProjectionScenario) -> None:
    there = projections.given((LIMIT, created("a")), (OTHER, created("b")), (LEASE, granted(LIMIT_ID, OTHER_ID)))
    both = [str(LIMIT_ID), str(OTHER_ID)]
    (await there.when()).then("concurrency_lease", {"limit_ids": both, "holder_id": str(TASK_ID), "slots": 1})
    (await there.when((LEASE, LeaseRenewed(expires_at=None)))).then("concurrency_lease", {"expires_at": None})
    (await there.when((LIMIT, LimitReset(tally=SlotCounts(at=NOW))))).then("concurrency_lease", {"limit_ids": both[1:]})
    (await there.when((OTHER, LimitDeleted()))).then("concurrency_lease", {"limit_ids": both[:1]})
    for ending in (LeaseReleased(), LeaseExpired()):
        (await there.when((LEASE, ending))).then_nothing("concurrency_lease")


async def test_sql_counts_slots_as_the_policy_does(projections: ProjectionScenario) -> None:
    now = clock.now()
    for loose, leased, decay, seconds in ((3, 2, 0.0, 100), (5, 0, 0.01, 250), (5, 1, 0.01, 0), (1, 0, 2.0, 100)):
        tally = SlotCounts(loose_slots=loose, leased_slots=leased, at=now - timedelta(seconds=seconds))
        await projections.when((LIMIT, created("a", tally, decay)), cuts=[()])
        async with await psycopg.AsyncConnection.connect(projections.postgres_url) as connection:
            await configure(connection)
            query = f"SELECT {queries.ACTIVE_SLOTS} FROM concurrency_limit"  # noqa: S608
            (found,) = (await (await connection.execute(query.encode())).fetchone()) or (None,)
        limit = Limit(exists=True, limit=5, slot_decay_per_second=decay, tally=tally)
        assert found == active_slots(limit, clock.now())


async def test_a_deployment_keeps_what_a_change_does_not_name(projections: ProjectionScenario) -> None:
    data = Deployment(name="d", flow_id=FLOW_ID, description="x", tags=("a",)).model_dump(mode="json")
    there = projections.given((DEPLOYMENT, DeploymentCreated(data=data)))
    changes = {"description": None, "tags": ["b", "c"], "parameters": {"x": 1}, "concurrency_limit_id": str(LIMIT_ID)}
    (await there.when((DEPLOYMENT, DeploymentUpdated(changes=changes)))).then(
        "deployment", {"name": "d", "paused": False, **changes}
    )
    (await there.when((DEPLOYMENT, DeploymentDeleted()))).then_nothing("deployment")
