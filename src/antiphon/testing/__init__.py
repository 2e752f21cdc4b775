"""For tests of programs that use Antiphon: the real policy in memory, and given / when / then.

It needs the extra `server`: the policy is part of it.
"""

from antiphon.events.unhandled import Unhandled
from antiphon.projections.core.change import Change, Move, Put, Statement
from antiphon.testing.memory import START, MemoryClient, memory
from antiphon.testing.scenario import Conclusion, Scenario, given, when

__all__ = [
    "START",
    "Change",
    "Conclusion",
    "MemoryClient",
    "Move",
    "Put",
    "Scenario",
    "Statement",
    "Unhandled",
    "given",
    "memory",
    "when",
]
