"""The report."""

from pathlib import Path

from tests.benchmarks import report
from tests.benchmarks.cpu import EVERYTHING_ELSE, WHOLE_MACHINE
from tests.benchmarks.figures import Latency, Level
from tests.benchmarks.native import Native
from tests.benchmarks.operations import Case, Operation
from tests.benchmarks.report import EMBEDDED, EXTERNAL, PREFECT, Results

TEMPLATE = Path(report.__file__).with_name("template.md")


def _level(clients: int, per_second: float, p50: float, other: float = 0.1) -> Level:
    latency = Latency(p50=p50, p99=p50 * 3)
    cpu = {"postgres": 0.5, EVERYTHING_ELSE: other, WHOLE_MACHINE: 1.5}
    return Level(clients, per_second, latency, dict.fromkeys(Operation, latency), cpu)


def _results(other: float = 0.1) -> Results:
    return Results(
        levels={
            PREFECT: {1: _level(1, 70, 13), 64: _level(64, 80, 700)},
            EMBEDDED: {1: _level(1, 350, 2), 64: _level(64, 2000, 30, other)},
            EXTERNAL: {1: _level(1, 260, 4), 64: _level(64, 1000, 60)},
        },
        native={
            EMBEDDED: Native(15_000, 4000, {"policy": 0.9, EVERYTHING_ELSE: 0.0, WHOLE_MACHINE: 1.9}),
            EXTERNAL: Native(15_000, 8000, {"policy": 0.9, EVERYTHING_ELSE: 0.0, WHOLE_MACHINE: 1.9}),
        },
        cases={
            Case.READ_BACK: {PREFECT: _level(1, 70, 13), EMBEDDED: _level(1, 350, 2)},
            Case.TASK_RUNS: {EXTERNAL: _level(64, 1000, 60)},
        },
    )


def _row(text: str, *starts: str) -> list[str]:
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    return next(row for row in rows if tuple(row[: len(starts)]) == starts)


def test_figures_stand_beside_each_other_with_their_ratio() -> None:
    table = report.comparison(_results())
    assert _row(table, "transitions/s", "64") == ["transitions/s", "64", "80", "2,000", "1,000", "25x", "12.5x"]
    assert _row(table, "p50 ms", "1") == ["p50 ms", "1", "13", "2", "4", "0.154x", "0.308x"]


def test_other_cases_stand_with_their_ratio() -> None:
    table = report.other_cases(_results())
    assert _row(table, "set_state COMPLETED and that read, p50 ms")[1:] == ["1", "26", "4", "-", "0.154x", "-"]
    assert _row(table, "task runs with two tag limits, transitions/s")[1:] == ["64", "-", "-", "1,000", "-", "-"]


def test_goals_say_whether_they_are_reached() -> None:
    table = report.goals(_results())
    assert _row(table, "Antiphon embedded", "transitions/s at 64 clients")[2:] == ["20x", "25x", "yes"]
    assert _row(table, "Antiphon embedded", "p50 at 1 client(s)")[2:] == ["0.25x", "0.154x", "yes"]
    assert _row(table, "Antiphon embedded", "transitions/s on NATS")[2:] == ["60x", "50x", "no"]
    assert _row(table, "Antiphon external", "transitions/s at 64 clients")[2:] == ["20x", "12.5x", "no"]
    assert _row(table, "Antiphon external", "p50 at 1 client(s)")[2:] == ["0.25x", "0.308x", "no"]
    assert _row(table, "Antiphon external", "transitions/s on NATS")[2:] == ["60x", "100x", "yes"]


def test_one_server_alone_has_no_ratio_and_no_goals() -> None:
    text = report.render(Results(levels={EMBEDDED: {1: _level(1, 350, 2)}}, native={}, cases={}))
    assert _row(text, "transitions/s", "1") == ["transitions/s", "1", "-", "350", "-", "-", "-"]
    assert "Goals" not in text


def test_other_programs_at_work_are_told() -> None:
    assert "Disturbed" not in report.render(_results(other=0.1))
    assert "Disturbed: up to 80% of a core" in report.render(_results(other=0.8))


def test_the_document_says_how_and_on_what_it_was_measured() -> None:
    how = {"rounds": 3, "seconds": "8", "warm_up_seconds": "3", "native_runs": 5000}
    document = report.document(TEMPLATE.read_text(), _results(), {"Python": "3.11"}, how)
    assert "$" not in document
    assert "| Python | 3.11 |" in document
    assert "Rounds: 3" in document
    assert "everything else" in document
