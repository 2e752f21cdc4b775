"""Where the CPU time goes: what each process below this one used between two moments."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from time import perf_counter

import psutil

LOAD_GENERATOR = "load generator"
EVERYTHING_ELSE = "everything else"
WHOLE_MACHINE = "whole machine"

_NAMES = {
    "tests.benchmarks.load": LOAD_GENERATOR,
    "tests.benchmarks.native": LOAD_GENERATOR,
    "prefect": "Prefect server",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """CPU seconds used so far, per process and by the machine."""

    at: float
    #: By process id and start, so that a reused id is another process.
    processes: Mapping[tuple[int, float], tuple[str, float]]
    machine: float


def sample() -> Sample:
    """Read the CPU time of every descendant of this process."""
    processes = {}
    for process in psutil.Process().children(recursive=True):
        # One that has just ended: what it used since the last sample is not seen.
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used = times.user + times.system
            processes[process.pid, process.create_time()] = (name_of(process.cmdline()), used)
    machine = psutil.cpu_times()
    # Guest time is part of user time already.
    busy = machine.user + machine.nice + machine.system + machine.irq + machine.softirq + machine.steal
    return Sample(perf_counter(), processes, busy)


def shares(before: Sample, after: Sample) -> dict[str, float]:
    """CPU time used between two samples, by process name, as a share of one core; the busiest first."""
    seconds = after.at - before.at
    used: dict[str, float] = {}
    for process, (name, total) in after.processes.items():
        _, earlier = before.processes.get(process, (name, 0.0))
        used[name] = used.get(name, 0.0) + (total - earlier) / seconds
    busiest_first = sorted(used.items(), key=lambda item: -item[1])
    machine = (after.machine - before.machine) / seconds
    return {**dict(busiest_first), EVERYTHING_ELSE: machine - sum(used.values()), WHOLE_MACHINE: machine}


def name_of(command: Sequence[str]) -> str:
    """What reports call a process with this command line."""
    if not command:
        return "other"
    program = PurePath(command[0].split(":")[0]).name
    if program in ("postgres", "nats-server", "py-spy"):
        return program
    if "-m" in command[:-1]:
        module = command[command.index("-m") + 1]
        return _NAMES.get(module, module.removeprefix("antiphon.services.").removesuffix(".main"))
    if any(PurePath(argument).name == "antiphon" for argument in command[:2]):
        return "supervisor"
    return "other"
