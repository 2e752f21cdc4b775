"""Renews snapshots that this version cannot read, before the policy becomes active: no command waits for it."""

from __future__ import annotations

import structlog

from antiphon.events.log.port import EventLog, SnapshotStore
from antiphon.services.policy.kinds.registry import DECIDERS
from antiphon.services.policy.service.folds import Fold, Folds

_log = structlog.get_logger(__name__)


async def renew_snapshots(log: EventLog, snapshots: SnapshotStore) -> None:
    """Fold the streams anew whose snapshots must be discarded, in bounded memory, and put new snapshots."""
    folds = Folds(log, snapshots)
    async for aggregate, data in snapshots.all():
        if aggregate.kind in DECIDERS and Fold.restore(aggregate, data) is None:
            fold = await folds.load(aggregate)
            _log.info("snapshot renewed", kind=aggregate.kind, id=aggregate.id, position=fold.position)
