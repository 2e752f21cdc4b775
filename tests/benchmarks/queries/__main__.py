"""The command of `make bench-queries`: `python -m tests.benchmarks.queries`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import BaseModel

from antiphon.services.cli.data_directory import DataDirectory
from antiphon.services.runtime import clock
from tests.benchmarks import machine
from tests.benchmarks.document import DOCUMENT, REPOSITORY, table, with_part
from tests.benchmarks.figures import InvalidRunError
from tests.benchmarks.queries.asking import Asker, medians, require_equal_answers
from tests.benchmarks.queries.cases import Case, cases
from tests.benchmarks.queries.filling import Filling, antiphon_with, prefect_with, runs_of
from tests.benchmarks.queries.writes import measure_writes
from tests.benchmarks.report import number, times
from tests.servers import open_folder

app: Final = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Directory = Annotated[
    Path, typer.Option(help="Where the servers keep their data; filled once, and left there for the next time.")
]
Runs = Annotated[int, typer.Option(min=1, help="How many flow runs.")]
_MORE: Final = 1.5
_HERE: Final = REPOSITORY / ".bench-queries"

_WHAT: Final = """## Queries on {runs} flow runs

Made by `make bench-queries`. Antiphon is filled by `antiphon load-demo`: runs of ten flows over the past 30 days and
the coming one, with deployments, tags, parameters and all their states. Prefect's tables are filled with the same runs
by SQL (ids, states, tags and times are the same), and both databases are vacuumed and analyzed. PostgreSQL is from the
same binaries, with the same settings. Before anything is measured, both must give equal answers to every case.

One client asks on a keep-alive connection, and accepts compressed answers as Prefect's own client does; the time is
that until the last byte is there. Both servers are asked in turns, in five rounds of up to 40 repetitions (and up to 30
before them that are not counted); the median of all counts. Prefect runs without its background services; Antiphon
without reactor, recorder and timekeeper.
"""


_WRITES: Final = """## What sums and indexes cost a write

Made by `python -m tests.benchmarks.queries writes`: events of flow runs written by the projector's own code to tables
with 20,000 runs, one event in a transaction and 400. The first line is all of PostgreSQL's work for an event; the
others say how much less it is without one thing, each the least of three measurements. What is below zero is the
machine's noise, and tells how large that is.
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


class Size(BaseModel):
    """What was measured with one number of runs: the medians by case, and what it took to load them."""

    seconds: dict[str, float]
    filling: Filling


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
    measured = Measured(case, rows, *medians(case, prefect, antiphon))
    typer.echo(f"  {case.name}: {number(measured.prefect * 1000)} / {number(measured.antiphon * 1000)} ms", err=True)
    return measured


@app.command()
def fill(runs: Runs = 1_000_000, directory: Directory = _HERE) -> None:
    """Fill one Antiphon, and nothing else: many runs take a while, and can be loaded in parts."""
    directory.mkdir(parents=True, exist_ok=True)
    with antiphon_with(directory / "antiphon", runs):
        typer.echo(Filling.of(directory / "antiphon").model_dump_json(), err=True)


@app.command()
def growth(
    runs: Annotated[str, typer.Option(help="Numbers of flow runs, ascending.")] = "100000,1000000,3000000",
    directory: Directory = _HERE,
    write: Annotated[bool, typer.Option(help="Write docs/benchmarks.md.")] = True,  # noqa: FBT002
) -> None:
    """Ask Antiphon alone the same about more and more runs: one, loaded further; what was measured once stays."""
    numbers = sorted(int(number_of) for number_of in runs.split(","))
    measured = [_measure_alone(directory / "antiphon", count) for count in numbers]
    rows = [
        [name, *(number(size.seconds[name] * 1000) for size in measured), _growth(measured, name)]
        for name in measured[0].seconds
    ]
    rows += [
        ["load-demo, MiB at its peak", *(number(size.filling.load_demo_mib) for size in measured), ""],
        ["projector meanwhile, MiB at its peak", *(number(size.filling.projector_mib) for size in measured), ""],
    ]
    shown = table(["ms", *(f"{count:,} runs" for count in numbers), "most / fewest"], rows)
    typer.echo(shown)
    if write:
        _write("growth", f"## Growth\n\nThe same cases, Antiphon alone, on more and more runs.\n\n{shown}\n")


def _measure_alone(directory: Path, runs: int) -> Size:
    known = directory / f"measured-{runs}.json"
    if known.exists():
        return Size.model_validate_json(known.read_bytes())
    directory.mkdir(parents=True, exist_ok=True)
    with antiphon_with(directory, runs) as server:
        present = runs_of(DataDirectory(directory / "data").read().postgres_url)
        # Demo runs have subflows: there are some more than were asked for.
        if present > _MORE * runs:
            raise InvalidRunError(f"there are {present} runs already: choose another directory for {runs}")
        asker, asked = Asker(server.api_url), cases(clock.now())
        seconds = {case.name: medians(case, asker)[0] for case in asked}
        size = Size(seconds=seconds, filling=Filling.of(directory))
    known.write_text(size.model_dump_json())
    return size


def _growth(measured: Sequence[Size], case: str) -> str:
    return times(measured[-1].seconds[case] / measured[0].seconds[case])


@app.command()
def writes(
    write: Annotated[bool, typer.Option(help="Write docs/benchmarks.md.")] = True,  # noqa: FBT002
) -> None:
    """Measure what each table of sums and each index costs a write."""
    with open_folder() as directory:
        costs = measure_writes(directory)
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
