"""The output of commands: progress and trouble on stderr, results on stdout."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


class _Rate(ProgressColumn):
    """The number of items in a second."""

    def render(self, task: Task) -> Text:
        """See ProgressColumn."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


def progress(what: str, detail: str = "") -> None:
    """Print a finished step."""
    _err.print(f"  {what:<12}", style="cyan", end="")
    _err.print(detail, markup=False)


def bars() -> Progress:
    """Progress bars for long work, with counts, rate and remaining time."""
    return Progress(
        TextColumn("  {task.description:<12}", style="cyan"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=_err,
    )


def title(text: str) -> None:
    """Print the title of the work."""
    _err.print(text, style="bold", markup=False)


def warning(text: str) -> None:
    """Print trouble that Antiphon handles itself."""
    _err.print(text, style="yellow", markup=False)


def failure(text: str) -> None:
    """Print the reason for a failure."""
    _err.print(text, style="red", markup=False)


def result(text: object) -> None:
    """Print the result of a command."""
    _out.print(text, markup=False)


def raw(text: str) -> None:
    """Print text for programs, without formatting."""
    _out.out(text, highlight=False)
