"""What the commands print: progress and trouble to stderr, results to stdout."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


class _Rate(ProgressColumn):
    """How much is done in a second."""

    def render(self, task: Task) -> Text:
        """See ProgressColumn."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


def progress(what: str, detail: str = "") -> None:
    """Tell of a step that is done."""
    _err.print(f"  {what:<12}", style="cyan", end="")
    _err.print(detail, markup=False)


def bars() -> Progress:
    """Bars for work that takes long, each with what is done of what, and how much longer it takes."""
    return Progress(
        TextColumn("  {task.description:<12}", style="cyan"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=_err,
    )


def title(text: str) -> None:
    """Tell what is being done."""
    _err.print(text, style="bold", markup=False)


def warning(text: str) -> None:
    """Tell of trouble that Antiphon deals with itself."""
    _err.print(text, style="yellow", markup=False)


def failure(text: str) -> None:
    """Tell why a command ends without success."""
    _err.print(text, style="red", markup=False)


def result(text: object) -> None:
    """Print what the command was asked for."""
    _out.print(text, markup=False)


def raw(text: str) -> None:
    """Print text for programs, as it is."""
    _out.out(text, highlight=False)
