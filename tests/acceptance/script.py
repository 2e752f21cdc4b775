"""Run a scenario: an ordinary Prefect program, in the genuine SDK's environment, against one server."""

from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.oracle import oracle_venv, prefect_environment
from tests.acceptance.server import Server, tethered

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended and what it said."""

    exit_code: int
    output: str
    #: Where the SDK logs to; not compared, shown when something is wrong.
    errors: str


def run_program(arguments: list[str], server: Server, home: Path, deadline_seconds: float = 90) -> Outcome:
    """Run a Python program to its end with a Prefect home of its own."""
    home.mkdir(parents=True)
    environment = prefect_environment(home) | {
        "PREFECT_API_URL": server.api_url,
        # The SDK sends tags out of sets of strings: the same order every time.
        "PYTHONHASHSEED": "0",
    }
    output, errors = home / "output", home / "errors"
    command = [str(oracle_venv() / "bin/python"), *arguments]
    with (
        output.open("wb") as stdout,
        errors.open("wb") as stderr,
        tethered(command, cwd=REPOSITORY, env=environment, stdout=stdout, stderr=stderr) as process,
    ):
        exit_code = process.wait(deadline_seconds)
    return Outcome(exit_code, output.read_text(), errors.read_text())


def program_of(scenario: str) -> Path:
    """Return the file of a scenario."""
    return Path(__file__).with_name("scenarios") / f"{scenario}.py"


def run_scenario(name: str, server: Server, home: Path) -> Outcome:
    """Run a scenario by the name of its module."""
    return run_program(["-m", f"tests.acceptance.scenarios.{name}"], server, home)
