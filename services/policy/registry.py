"""Which decider decides for which kind of aggregate."""

from __future__ import annotations

from typing import Any, Final

from services.policy.decider import Decider
from services.policy.deployment.decider import DEPLOYMENT
from services.policy.document.artifact import ARTIFACT
from services.policy.document.decider import DOCUMENT
from services.policy.document.resources import RESOURCES
from services.policy.flow_run.decider import FLOW_RUN
from services.policy.limit.decider import LIMIT
from services.policy.limit.lease import LEASE
from services.policy.name import NAME
from services.policy.task_cache import TASK_CACHE
from services.policy.task_run.decider import TASK_RUN
from services.policy.work_pool.decider import WORK_POOL

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
