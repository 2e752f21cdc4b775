"""No event, of whatever kind, makes a fold raise."""

from __future__ import annotations

import pytest

from antiphon.events.codec import EVENT_TYPES
from antiphon.services.policy.kinds.registry import DECIDERS
from tests.golden import example


@pytest.mark.parametrize("kind", sorted(DECIDERS))
def test_invariant_02_evolve_never_raises(kind: str) -> None:
    decider = DECIDERS[kind]
    for first in EVENT_TYPES:
        for second in EVENT_TYPES:
            decider.evolve(decider.evolve(decider.initial, example(first)), example(second))
