"""The command of `make bench-queries`: `python -m tests.benchmarks.queries`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer

from services.cli.data_directory import DataDirectory
from services.runtime import clock
from tests.benchmarks import machine
from tests.benchmarks.document import DOCUMENT, REPOSITORY, table, with_part
from tests.benchmarks.figures import InvalidRunError
from tests.benchmarks.queries.asking import Asker, require_equal_answers
from tests.benchmarks.queries.cases import Case, cases
from tests.benchmarks.queries.filling import Filling, antiphon_with, prefect_with, runs_of
from tests.benchmarks.queries.writes import measure_writes
from tests.benchmarks.report import number, times

app: Final = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Directory = Annotated[
    Path, typer.Option(help="Where the servers keep their data; filled once, and left there for the next time.")
]
Runs = Annotated[int, typer.Option(min=1, help="How many flow runs.")]
_HERE: Final = REPOSITORY / ".bench-queries"

_WHAT: Final = """## Queries on {runs} flow runs

Made by `make bench-queries`. Antiphon is filled by `antiphon load-demo`: runs of ten flows over the past 30 days and
the coming one, with deployments, tags, parameters and all their states. Prefect's tables are filled with the same runs
by SQL (ids, states, tags and times are the same), and both databases are vacuumed and analyzed. PostgreSQL is from the
same binaries, with the same settings. Before anything is measured, both must give equal answers to every case.

One client asks on a keep-alive connection, and accepts compressed answers as Prefect's own client does; the time is
that until the last byte is there. The median of up to 40 repetitions counts. Prefect runs without its background
services; Antiphon without reactor, recorder and timekeeper.
"""


_WRITES: Final = """## What sums and indexes cost a write

Made by `python -m tests.benchmarks.queries writes`: events of flow runs written by the projector's own code to tables
with 20,000 runs, one event in a transaction and 400. The first line is all of PostgreSQL's work for an event; the
others say how much less it is without one thing, each the least of three measurements. A few microseconds more or less
mean nothing.
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """The medians of one case, in seconds."""

    case: Case
    rows: int
    prefect: float
    antiphon: float

    @property
    def ratio(self) -> float:
        """How many times faster Antiphon answers."""
        return self.prefect / self.antiphon

    def row(self) -> list[str]:
        """What the table says of it."""
        goal = self.case.goal
        reached = "" if goal is None else "yes" if self.ratio >= goal else "no"
        return [
            self.case.name,
            str(self.rows),
            number(self.prefect * 1000),
            number(self.antiphon * 1000),
            times(self.ratio),
            "" if goal is None else times(goal),
            reached,
        ]


@app.command()
def compare(
    runs: Runs = 1_000_000,
    directory: Directory = _HERE,
    write: Annotated[bool, typer.Option(help="Write docs/benchmarks.md.")] = True,  # noqa: FBT002
) -> None:
    """Ask Prefect and Antiphon the same about the same runs."""
    directory.mkdir(parents=True, exist_ok=True)
    with antiphon_with(directory / "antiphon", runs) as ours:
        database = DataDirectory(directory / "antiphon/data").read().postgres_url
        present = runs_of(database)
        with prefect_with(directory / "prefect", database) as theirs:
            prefect, antiphon = Asker(theirs.api_url), Asker(ours.api_url)
            asked = cases(clock.now())
            sizes = require_equal_answers(asked, prefect, antiphon)
            measured = [_measure(case, sizes[case.name], prefect, antiphon) for case in asked]
    header = ["case", "rows", "Prefect ms", "Antiphon ms", "times faster", "goal", "reached"]
    shown = table(header, [each.row() for each in measured])
    typer.echo(shown)
    if write:
        facts = table(["", ""], [[name, value] for name, value in machine.facts().items()])
        _write("queries", f"{_WHAT.format(runs=f'{present:,}')}\n{shown}\n\n{facts}\n")


def _measure(case: Case, rows: int, prefect: Asker, antiphon: Asker) -> Measured:
    measured = Measured(case, rows, prefect.seconds(case), antiphon.seconds(case))
    typer.echo(f"  {case.name}: {number(measured.prefect * 1000)} / {number(measured.antiphon * 1000)} ms", err=True)
    return measured


@app.command()
def fill(runs: Runs = 1_000_000, directory: Directory = _HERE) -> None:
    """Fill one Antiphon, and nothing else: many runs take a while, and can be loaded in parts."""
    directory.mkdir(parents=True, exist_ok=True)
    with antiphon_with(directory, runs):
        typer.echo(Filling.of(directory).model_dump_json(), err=True)


@app.command()
def growth(
    runs: Annotated[str, typer.Option(help="Numbers of flow runs, ascending.")] = "100000,1000000,3000000",
    directory: Directory = _HERE,
    write: Annotated[bool, typer.Option(help="Write docs/benchmarks.md.")] = True,  # noqa: FBT002
) -> None:
    """Ask Antiphon alone the same about more and more runs; each number has a directory of its own."""
    numbers = sorted(int(number_of) for number_of in runs.split(","))
    measured = {count: _measure_alone(directory / f"antiphon-{count}", count) for count in numbers}
    rows = [
        [case.name, *(number(measured[count][case.name] * 1000) for count in numbers), _growth(measured, case.name)]
        for case in cases(clock.now())
    ]
    fillings = [Filling.of(directory / f"antiphon-{count}") for count in numbers]
    rows += [
        ["load-demo, MiB at its peak", *(number(filling.load_demo_mib) for filling in fillings), ""],
        ["projector meanwhile, MiB at its peak", *(number(filling.projector_mib) for filling in fillings), ""],
    ]
    shown = table(["ms", *(f"{count:,} runs" for count in numbers), "most / fewest"], rows)
    typer.echo(shown)
    if write:
        _write("growth", f"## Growth\n\nThe same cases, Antiphon alone, on more and more runs.\n\n{shown}\n")


def _measure_alone(directory: Path, runs: int) -> Mapping[str, float]:
    directory.mkdir(parents=True, exist_ok=True)
    with antiphon_with(directory, runs) as server:
        asker, asked = Asker(server.api_url), cases(clock.now())
        return {case.name: asker.seconds(case) for case in asked}


def _growth(measured: Mapping[int, Mapping[str, float]], case: str) -> str:
    counts: Sequence[int] = sorted(measured)
    return times(measured[counts[-1]][case] / measured[counts[0]][case])


@app.command()
def writes(
    write: Annotated[bool, typer.Option(help="Write docs/benchmarks.md.")] = True,  # noqa: FBT002
) -> None:
    """Measure what each table of sums and each index costs a write."""
    with TemporaryDirectory(prefix="antiphon-bench-") as directory:
        costs = measure_writes(Path(directory))
    shown = table(
        ["microseconds of PostgreSQL's CPU for each event", "alone", "400 at once"],
        [[name, f"{cost.alone:.0f}", f"{cost.together:.0f}"] for name, cost in costs.items()],
    )
    typer.echo(shown)
    if write:
        _write("writes", f"{_WRITES}\n{shown}\n")


def _write(part: str, content: str) -> None:
    DOCUMENT.write_text(with_part(DOCUMENT.read_text(), part, content))
    typer.echo(f"Written: {DOCUMENT.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    # As Ctrl-C: servers are stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        app()
    except InvalidRunError as error:
        typer.echo(f"The run is invalid. {error}", err=True)
        sys.exit(1)
