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
_GOAL_LATENCY: Final = 1 / 5
_GOAL_NATIVE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Results:
    """The medians of one run of the benchmark; a server that was left out has no levels."""

    prefect: Mapping[int, Level]
    antiphon: Mapping[int, Level]
    native: Native | None
    #: The other cases, each at one number of clients, by server.
    cases: Mapping[Case, Mapping[str, Level]]


def render(results: Results) -> str:
    """Everything that was measured, as Markdown."""
    parts = [
        *disturbances(results),
        "### Transitions over HTTP",
        comparison(results),
        *(["### Transitions published on NATS", native(results, results.native)] if results.native else []),
        *(["### Goals", goals(results)] if results.prefect and results.antiphon else []),
        "### Latency of each operation, p50 / p99 in ms",
        operations(results),
        *(["### Other cases", other_cases(results)] if results.cases else []),
        "### Where the CPU time goes, in % of one core (and in microseconds for each transition)",
        *(cpu_shares("Prefect", list(results.prefect.values())) if results.prefect else []),
        *(cpu_shares("Antiphon", list(results.antiphon.values())) if results.antiphon else []),
        *(native_cpu(results.native) if results.native else []),
    ]
    return "\n\n".join(parts) + "\n"


def document(template: str, results: Results, facts: Mapping[str, str], how: Mapping[str, object]) -> str:
    """Fill the template of `docs/benchmarks.md`."""
    machine = table(["", ""], [[name, value] for name, value in facts.items()])
    return Template(template).substitute(results=render(results).rstrip(), machine=machine, **how)


def disturbances(results: Results) -> list[str]:
    """A warning when something else kept the machine busy in the measured time."""
    shares = [level.cpu[EVERYTHING_ELSE] for level in (*results.prefect.values(), *results.antiphon.values())]
    if results.native:
        shares.append(results.native.cpu[EVERYTHING_ELSE])
    if not shares or max(shares) < _DISTURBED:
        return []
    return [f"**Disturbed: up to {max(shares):.0%} of a core went to other programs. Measure again.**"]


def comparison(results: Results) -> str:
    """Throughput and latency of both servers at each number of clients."""
    figures: list[tuple[str, Callable[[Level], float]]] = [
        ("transitions/s", lambda level: level.transitions_per_second),
        ("p50 ms", lambda level: level.latency.p50),
        ("p99 ms", lambda level: level.latency.p99),
    ]
    rows = []
    for title, figure in figures:
        for clients in _clients(results):
            prefect, antiphon = results.prefect.get(clients), results.antiphon.get(clients)
            row = [title, str(clients), *(number(figure(level)) if level else "-" for level in (prefect, antiphon))]
            ratio = times(figure(antiphon) / figure(prefect)) if prefect and antiphon else "-"
            rows.append([*row, ratio])
    return table(["", "clients", "Prefect", "Antiphon", "Antiphon / Prefect"], rows)


def native(results: Results, measured: Native) -> str:
    """Throughput of commands published on NATS, compared with Prefect's HTTP at the most clients."""
    ratio = "-"
    if results.prefect:
        ratio = times(measured.transitions_per_second / results.prefect[max(results.prefect)].transitions_per_second)
    rows = [[str(measured.transitions), number(measured.transitions_per_second), ratio]]
    return table(["transitions", "transitions/s", "to Prefect at the most clients"], rows)


def goals(results: Results) -> str:
    """The goals beside what was reached."""
    fewest, most = min(results.prefect), max(results.prefect)
    throughput = results.antiphon[most].transitions_per_second / results.prefect[most].transitions_per_second
    latency = results.antiphon[fewest].latency.p50 / results.prefect[fewest].latency.p50
    rows = [
        _goal(f"transitions/s at {most} clients", _GOAL_THROUGHPUT, throughput, reached=throughput >= _GOAL_THROUGHPUT),
        _goal(f"p50 at {fewest} client(s)", _GOAL_LATENCY, latency, reached=latency <= _GOAL_LATENCY),
    ]
    if results.native:
        natively = results.native.transitions_per_second / results.prefect[most].transitions_per_second
        rows.append(_goal("transitions/s on NATS", _GOAL_NATIVE, natively, reached=natively >= _GOAL_NATIVE))
    return table(["Antiphon / Prefect", "goal", "result", "reached"], rows)


def operations(results: Results) -> str:
    """Latency of each of the three operations."""
    rows = [
        [name, str(level.clients)]
        + [f"{number(level.by_operation[each].p50)} / {number(level.by_operation[each].p99)}" for each in TRANSITIONS]
        for name, levels in (("Prefect", results.prefect), ("Antiphon", results.antiphon))
        for level in levels.values()
    ]
    return table(["", "clients", *(operation.label for operation in TRANSITIONS)], rows)


def other_cases(results: Results) -> str:
    """Runs that are read back at once, and task runs under limits."""
    rows = []
    for case, by_server in results.cases.items():
        figures = _READ_BACK if case is Case.READ_BACK else _TASK_RUNS
        for title, figure in figures:
            values = [figure(by_server[name]) if name in by_server else None for name in ("prefect", "antiphon")]
            prefect, antiphon = values
            ratio = times(antiphon / prefect) if prefect and antiphon else "-"
            clients = next(iter(by_server.values())).clients
            rows.append([title, str(clients), *("-" if value is None else number(value) for value in values), ratio])
    return table(["", "clients", "Prefect", "Antiphon", "Antiphon / Prefect"], rows)


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


def cpu_shares(server: str, levels: Sequence[Level]) -> list[str]:
    """CPU time of each process of one server at each number of clients."""
    names = {name: None for level in levels for name, share in level.cpu.items() if share >= _NEGLIGIBLE}
    last = (EVERYTHING_ELSE, WHOLE_MACHINE)
    rows = [
        [name, *(_share(level, name) for level in levels)] for name in (*(n for n in names if n not in last), *last)
    ]
    return [table([server, *(f"{level.clients} clients" for level in levels)], rows)]


def native_cpu(measured: Native) -> list[str]:
    """CPU time of each process of Antiphon while commands come over NATS."""
    per_transition = 1e6 / measured.transitions_per_second
    rows = [
        [name, f"{share:.0%} ({share * per_transition:,.0f})"]
        for name, share in measured.cpu.items()
        if share >= _NEGLIGIBLE
    ]
    return [table(["Antiphon", "on NATS"], rows)]


def _goal(what: str, goal: float, result: float, *, reached: bool) -> list[str]:
    return [what, times(goal), times(result), "yes" if reached else "no"]


def _share(level: Level, name: str) -> str:
    if name not in level.cpu:
        return "-"
    return f"{level.cpu[name]:.0%} ({level.cpu_microseconds(name):,.0f})"


def _clients(results: Results) -> list[int]:
    return sorted({*results.prefect, *results.antiphon})


def number(value: float) -> str:
    """A figure as a table shows it."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def times(ratio: float) -> str:
    """A ratio as a table shows it."""
    return f"{ratio:.3g}x"
