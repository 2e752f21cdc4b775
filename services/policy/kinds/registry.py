"""The decider of each kind of aggregate."""

from __future__ import annotations

from typing import Any, Final

from antiphon.services.policy.engine.decider import Decider
from antiphon.services.policy.kinds.deployment.decider import DEPLOYMENT
from antiphon.services.policy.kinds.document.artifact import ARTIFACT
from antiphon.services.policy.kinds.document.decider import DOCUMENT
from antiphon.services.policy.kinds.document.resources import RESOURCES
from antiphon.services.policy.kinds.flow_run.decider import FLOW_RUN
from antiphon.services.policy.kinds.limit.decider import LIMIT
from antiphon.services.policy.kinds.limit.lease import LEASE
from antiphon.services.policy.kinds.name import NAME
from antiphon.services.policy.kinds.task_cache import TASK_CACHE
from antiphon.services.policy.kinds.task_run.decider import TASK_RUN
from antiphon.services.policy.kinds.work_pool.decider import WORK_POOL

DECIDERS: Final[dict[str, Decider[Any]]] = {
    "deployment": DEPLOYMENT,
    "flow_run": FLOW_RUN,
    "task_run": TASK_RUN,
    "task_cache": TASK_CACHE,
    "lease": LEASE,
    "limit": LIMIT,
    "name": NAME,
    "work_pool": WORK_POOL,
    **dict.fromkeys(RESOURCES, DOCUMENT),
    "artifact": ARTIFACT,
}
