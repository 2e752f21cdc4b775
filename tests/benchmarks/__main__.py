"""The benchmark's command: `python -m tests.benchmarks`."""

from __future__ import annotations

import signal
import sys
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import typer

from tests.acceptance.server import Server
from tests.benchmarks import machine, report
from tests.benchmarks.document import DOCUMENT, REPOSITORY, with_main
from tests.benchmarks.figures import InvalidRunError, Level, median_level
from tests.benchmarks.measure import During, Plan, measure_level
from tests.benchmarks.native import Native
from tests.benchmarks.native_run import measure_native, median_native
from tests.benchmarks.operations import Case
from tests.benchmarks.profile import profiled
from tests.benchmarks.report import EMBEDDED, PREFECT
from tests.benchmarks.servers import SERVERS
from tests.servers import open_folder

#: With 16 and more that take slots of the same limits, the genuine Prefect answers some of them with 500.
_TASK_RUN_CLIENTS = 8
_TEMPLATE = Path(__file__).with_name("template.md")


_ServerName = Literal["prefect", "embedded", "external"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the caller chose."""

    clients: tuple[int, ...]
    plan: Plan
    native_runs: int
    cases: tuple[Case, ...]
    profile: str | None
    profile_output: Path


@dataclass(slots=True)
class Rounds:
    """What was measured so far, a list entry per round."""

    levels: dict[str, dict[int, list[Level]]] = field(default_factory=lambda: {name: {} for name in SERVERS})
    native: dict[str, list[Native]] = field(default_factory=dict)
    #: By case and server.
    cases: dict[Case, dict[str, list[Level]]] = field(default_factory=dict)

    def results(self) -> report.Results:
        """The medians over the rounds."""
        medians = {
            name: {clients: median_level(rounds) for clients, rounds in levels.items()}
            for name, levels in self.levels.items()
        }
        native = {name: median_native(rounds) for name, rounds in self.native.items()}
        cases = {
            case: {name: median_level(rounds) for name, rounds in by_server.items()}
            for case, by_server in self.cases.items()
        }
        return report.Results({name: levels for name, levels in medians.items() if levels}, native, cases)


def bench(
    seconds: Annotated[float, typer.Option(help="Measured time of each level.")] = 8.0,
    warm_up: Annotated[float, typer.Option(help="Seconds of load before each level is measured.")] = 3.0,
    rounds: Annotated[int, typer.Option(min=1, help="Repetitions; the median counts.")] = 1,
    only: Annotated[
        Literal["prefect", "embedded", "external"] | None, typer.Option(help="Measure one server alone.")
    ] = None,
    clients: Annotated[str, typer.Option(help="Numbers of clients.")] = "1,16,64",
    native_runs: Annotated[int, typer.Option(help="Runs published on NATS; 0 leaves it out.")] = 5000,
    cases: Annotated[str, typer.Option(help="What else is measured; empty leaves it out.")] = "read-back,task-runs",
    profile: Annotated[str | None, typer.Option(help="Record a role of Antiphon at the most clients.")] = None,
    profile_output: Annotated[
        Path, typer.Option(help="A speedscope file, or folded stacks if it ends in .raw.")
    ] = Path("profile.json"),
) -> None:
    """Compare Antiphon with the genuine Prefect on this machine, and write docs/benchmarks.md."""
    if profile and only == PREFECT:
        raise typer.BadParameter("it records roles of Antiphon", param_hint="--profile")
    numbers = tuple(sorted(int(number) for number in clients.split(",")))
    others = tuple(Case(case) for case in cases.split(",") if case)
    choice = Choice(numbers, Plan(seconds, warm_up), native_runs, others, profile, profile_output)
    names = [only] if only else [EMBEDDED] if profile else list(SERVERS)
    measured = Rounds()
    # As Ctrl-C: servers are stopped and their directories removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        for number in range(1, rounds + 1):
            for name in names:
                _measure_server(name, choice, measured, f"round {number} of {rounds}")
    except InvalidRunError as error:
        typer.echo(f"The run is invalid. {error}", err=True)
        raise typer.Exit(1) from error
    results = measured.results()
    typer.echo("\n" + report.render(results))
    if len(names) == len(SERVERS):
        _write_document(results, choice, rounds)


def _write_document(results: report.Results, choice: Choice, rounds: int) -> None:
    how = {
        "rounds": rounds,
        "seconds": f"{choice.plan.seconds:g}",
        "warm_up_seconds": f"{choice.plan.warm_up_seconds:g}",
        "native_runs": choice.native_runs,
    }
    made = report.document(_TEMPLATE.read_text(), results, machine.facts(), how)
    DOCUMENT.write_text(with_main(DOCUMENT.read_text(), made))
    typer.echo(f"Written: {DOCUMENT.relative_to(REPOSITORY)}")


def _measure_server(name: str, choice: Choice, measured: Rounds, title: str) -> None:
    with open_folder() as directory:
        typer.echo(f"{title}: {name} is starting", err=True)
        with SERVERS[name](directory) as server:
            for clients in choice.clients:
                during = _during(server, choice, "") if clients == choice.clients[-1] else nullcontext
                level = measure_level(server, clients, choice.plan, during)
                measured.levels[name].setdefault(clients, []).append(level)
                _progress(f"{clients} clients", level.transitions_per_second)
            for case, clients in _other_cases(choice):
                level = measure_level(server, clients, choice.plan, case=case)
                measured.cases.setdefault(case, {}).setdefault(name, []).append(level)
                _progress(f"{case.value}, {clients} clients", level.transitions_per_second)
            if name != PREFECT and choice.native_runs:
                native = measure_native(server, choice.native_runs, _during(server, choice, "-native"))
                measured.native.setdefault(name, []).append(native)
                _progress("on NATS", native.transitions_per_second)


def _other_cases(choice: Choice) -> list[tuple[Case, int]]:
    """Reading back is a matter of latency, the others are of throughput."""
    return [(case, choice.clients[0] if case is Case.READ_BACK else _TASK_RUN_CLIENTS) for case in choice.cases]


def _during(server: Server, choice: Choice, suffix: str) -> During:
    if choice.profile is None:
        return nullcontext
    role, output = choice.profile, choice.profile_output
    return lambda: profiled(server, role, output.with_stem(output.stem + suffix))


def _progress(what: str, transitions_per_second: float) -> None:
    typer.echo(f"  {what}: {transitions_per_second:,.0f} transitions/s", err=True)


if __name__ == "__main__":
    typer.run(bench)
