"""Tables of what was measured: for the terminal, and as `docs/benchmarks.md`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Final

from tests.benchmarks.cpu import EVERYTHING_ELSE, WHOLE_MACHINE
from tests.benchmarks.document import table
from tests.benchmarks.figures import Level
from tests.benchmarks.native import Native
from tests.benchmarks.operations import TRANSITIONS, Case, Operation

#: A process with less than this share of a core is not worth a row.
_NEGLIGIBLE: Final = 0.005
#: More of a core than the kernel's own work takes: other programs were running.
_DISTURBED: Final = 0.25

_GOAL_THROUGHPUT: Final = 20.0
_GOAL_LATENCY: Final = 1 / 4
_GOAL_NATIVE: Final = 60.0


#: The names of the servers: the genuine one, Antiphon with everything embedded, and on servers of an operator.
PREFECT: Final = "prefect"
EMBEDDED: Final = "embedded"
EXTERNAL: Final = "external"
_TITLES: Final = {PREFECT: "Prefect", EMBEDDED: "Antiphon embedded", EXTERNAL: "Antiphon external"}
_OURS: Final = (EMBEDDED, EXTERNAL)


@dataclass(frozen=True, slots=True)
class Results:
    """The medians of one run of the benchmark, by server; a server that was left out is absent."""

    levels: Mapping[str, Mapping[int, Level]]
    native: Mapping[str, Native]
    #: The other cases, each at one number of clients.
    cases: Mapping[Case, Mapping[str, Level]]

    @property
    def compared(self) -> list[str]:
        """The ways of running Antiphon that stand beside Prefect."""
        return [name for name in _OURS if name in self.levels and PREFECT in self.levels]


def render(results: Results) -> str:
    """Everything that was measured, as Markdown."""
    parts = [
        *disturbances(results),
        "### Transitions over HTTP",
        comparison(results),
        *(["### Transitions published on NATS", native(results)] if results.native else []),
        *(["### Goals", goals(results)] if results.compared else []),
        "### Latency of each operation, p50 / p99 in ms",
        operations(results),
        *(["### Other cases", other_cases(results)] if results.cases else []),
        "### Where the CPU time goes, in % of one core (and in microseconds for each transition)",
        *(cpu_shares(_TITLES[name], list(levels.values())) for name, levels in results.levels.items()),
        *(native_cpu(_TITLES[name], measured) for name, measured in results.native.items()),
    ]
    return "\n\n".join(parts) + "\n"


def document(template: str, results: Results, facts: Mapping[str, str], how: Mapping[str, object]) -> str:
    """Fill the template of `docs/benchmarks.md`."""
    machine = table(["", ""], [[name, value] for name, value in facts.items()])
    return Template(template).substitute(results=render(results).rstrip(), machine=machine, **how)


def disturbances(results: Results) -> list[str]:
    """A warning when something else kept the machine busy in the measured time."""
    shares = [level.cpu[EVERYTHING_ELSE] for levels in results.levels.values() for level in levels.values()]
    shares += [measured.cpu[EVERYTHING_ELSE] for measured in results.native.values()]
    if not shares or max(shares) < _DISTURBED:
        return []
    return [f"**Disturbed: up to {max(shares):.0%} of a core went to other programs. Measure again.**"]


def _header() -> list[str]:
    return ["", "clients", *_TITLES.values(), *(f"{_TITLES[name]} / Prefect" for name in _OURS)]


def _row(title: str, clients: int, figures: Mapping[str, float]) -> list[str]:
    shown = [number(figures[name]) if name in figures else "-" for name in _TITLES]
    ratios = [
        times(figures[name] / figures[PREFECT]) if name in figures and PREFECT in figures else "-" for name in _OURS
    ]
    return [title, str(clients), *shown, *ratios]


def comparison(results: Results) -> str:
    """Throughput and latency of all servers at each number of clients."""
    figures: list[tuple[str, Callable[[Level], float]]] = [
        ("transitions/s", lambda level: level.transitions_per_second),
        ("p50 ms", lambda level: level.latency.p50),
        ("p99 ms", lambda level: level.latency.p99),
    ]
    numbers = sorted({clients for levels in results.levels.values() for clients in levels})
    rows = [
        _row(title, clients, {name: figure(levels[clients]) for name, levels in results.levels.items()})
        for title, figure in figures
        for clients in numbers
    ]
    return table(_header(), rows)


def native(results: Results) -> str:
    """Throughput of commands published on NATS, compared with Prefect's HTTP at the most clients."""
    rows = []
    for name, measured in results.native.items():
        ratio = times(_native_ratio(results, measured)) if PREFECT in results.levels else "-"
        rows.append([_TITLES[name], str(measured.transitions), number(measured.transitions_per_second), ratio])
    return table(["", "transitions", "transitions/s", "to Prefect at the most clients"], rows)


def _native_ratio(results: Results, measured: Native) -> float:
    prefect = results.levels[PREFECT]
    return measured.transitions_per_second / prefect[max(prefect)].transitions_per_second


def goals(results: Results) -> str:
    """The goals beside what was reached."""
    prefect = results.levels[PREFECT]
    fewest, most = min(prefect), max(prefect)
    rows = []
    for name in results.compared:
        ours = results.levels[name]
        throughput = ours[most].transitions_per_second / prefect[most].transitions_per_second
        latency = ours[fewest].latency.p50 / prefect[fewest].latency.p50
        rows += [
            _goal(name, f"transitions/s at {most} clients", _GOAL_THROUGHPUT, throughput),
            _goal(name, f"p50 at {fewest} client(s)", _GOAL_LATENCY, latency, is_reached=latency <= _GOAL_LATENCY),
        ]
        if name in results.native:
            rows.append(
                _goal(name, "transitions/s on NATS", _GOAL_NATIVE, _native_ratio(results, results.native[name]))
            )
    return table(["", "to Prefect", "goal", "result", "reached"], rows)


def operations(results: Results) -> str:
    """Latency of each of the three operations."""
    rows = [
        [_TITLES[name], str(level.clients)]
        + [f"{number(level.by_operation[each].p50)} / {number(level.by_operation[each].p99)}" for each in TRANSITIONS]
        for name, levels in results.levels.items()
        for level in levels.values()
    ]
    return table(["", "clients", *(operation.label for operation in TRANSITIONS)], rows)


def other_cases(results: Results) -> str:
    """Runs that are read back at once, and task runs under limits."""
    rows = []
    for case, by_server in results.cases.items():
        clients = next(iter(by_server.values())).clients
        for title, figure in _READ_BACK if case is Case.READ_BACK else _TASK_RUNS:
            rows.append(_row(title, clients, {name: figure(level) for name, level in by_server.items()}))
    return table(_header(), rows)


_READ_BACK: Final[Sequence[tuple[str, Callable[[Level], float]]]] = (
    ("flow run read at once after its COMPLETED, p50 ms", lambda level: level.by_operation[Operation.READ].p50),
    (
        "set_state COMPLETED and that read, p50 ms",
        lambda level: level.by_operation[Operation.COMPLETED].p50 + level.by_operation[Operation.READ].p50,
    ),
)
_TASK_RUNS: Final[Sequence[tuple[str, Callable[[Level], float]]]] = (
    ("task runs with two tag limits, transitions/s", lambda level: level.transitions_per_second),
    ("task runs with two tag limits, p50 ms", lambda level: level.latency.p50),
)


def cpu_shares(server: str, levels: Sequence[Level]) -> str:
    """CPU time of each process of one server at each number of clients."""
    names = {name: None for level in levels for name, share in level.cpu.items() if share >= _NEGLIGIBLE}
    last = (EVERYTHING_ELSE, WHOLE_MACHINE)
    rows = [
        [name, *(_share(level, name) for level in levels)] for name in (*(n for n in names if n not in last), *last)
    ]
    return table([server, *(f"{level.clients} clients" for level in levels)], rows)


def native_cpu(server: str, measured: Native) -> str:
    """CPU time of each process of Antiphon while commands come over NATS."""
    per_transition = 1e6 / measured.transitions_per_second
    rows = [
        [name, f"{share:.0%} ({share * per_transition:,.0f})"]
        for name, share in measured.cpu.items()
        if share >= _NEGLIGIBLE
    ]
    return table([server, "on NATS"], rows)


def _goal(server: str, what: str, goal: float, result: float, *, is_reached: bool | None = None) -> list[str]:
    reached = result >= goal if is_reached is None else is_reached
    return [_TITLES[server], what, times(goal), times(result), "yes" if reached else "no"]


def _share(level: Level, name: str) -> str:
    if name not in level.cpu:
        return "-"
    return f"{level.cpu[name]:.0%} ({level.cpu_microseconds(name):,.0f})"


def number(value: float) -> str:
    """A figure as a table shows it."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def times(ratio: float) -> str:
    """A ratio as a table shows it."""
    return f"{ratio:.3g}x"
