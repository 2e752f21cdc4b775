"""Fills Antiphon with made-up runs, and Prefect's tables with the same runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from pydantic import BaseModel

from antiphon.services.cli.data_directory import DataDirectory
from antiphon.services.runtime import clock
from antiphon.services.runtime.embedded.postgres import PostgresServer
from tests.acceptance.antiphon import running_antiphon
from tests.acceptance.oracle import running_oracle
from tests.acceptance.server import Server
from tests.benchmarks.figures import InvalidRunError

_FILLING: Final = "filling.json"

#: Nothing acts by a timer on either side while queries are compared.
_ROLES: Final = ("--role", "policy,projector,gateway")

_SAME: Final = (
    *("id", "created", "updated", "name", "flow_id", "deployment_id", "work_queue_name", "flow_version"),
    *("deployment_version", "parameters", "idempotency_key", "context", "empirical_policy", "labels", "created_by"),
    *("infrastructure_pid", "job_variables", "auto_scheduled", "state_id", "state_type", "state_name"),
    *("state_timestamp", "run_count", "expected_start_time", "next_scheduled_start_time", "start_time", "end_time"),
)
_FLOW_RUN: Final = {name: name for name in _SAME} | {
    "tags": "to_json(tags)",
    "total_run_time": "make_interval(secs => total_run_time)",
}
_STATE: Final = {
    "id": "id",
    "created": "timestamp",
    "updated": "timestamp",
    "flow_run_id": "flow_run_id",
    "type": "state ->> 'type'",
    "timestamp": "timestamp",
    "name": "state ->> 'name'",
    "message": "state ->> 'message'",
    "state_details": "state -> 'state_details'",
    "data": "state -> 'data'",
}
_FLOW: Final = {"id": "id", "created": "created", "updated": "updated", "name": "name", "tags": "to_json(tags)"} | {
    "labels": "labels"
}
#: Prefect's tables, and where their columns come from in ours of the same name.
_TABLES: Final[Mapping[str, Mapping[str, str]]] = {"flow": _FLOW, "flow_run_state": _STATE, "flow_run": _FLOW_RUN}


class Filling(BaseModel):
    """What it took to fill an Antiphon, all parts together; peaks are resident memory."""

    runs: int = 0
    seconds: float = 0
    load_demo_mib: float = 0
    projector_mib: float = 0

    @classmethod
    def of(cls, directory: Path) -> Filling:
        """That of the Antiphon in a directory."""
        file = directory / _FILLING
        return cls.model_validate_json(file.read_bytes()) if file.exists() else cls()


@contextmanager
def antiphon_with(directory: Path, runs: int) -> Iterator[Server]:
    """A running Antiphon with at least so many runs: what a former attempt has loaded counts."""
    with running_antiphon(directory, *_ROLES) as server:
        data = directory / "data"
        with psycopg.connect(DataDirectory(data).read().postgres_url) as connection:
            present = _count(connection, "read_v1.flow_run")
        if present < runs:
            _load(directory, runs - present)
        with psycopg.connect(DataDirectory(data).read().postgres_url, autocommit=True) as connection:
            if present < runs or not _is_analyzed(connection):
                connection.execute("VACUUM (ANALYZE)")
        yield server


def _load(directory: Path, runs: int) -> None:
    before, started = Filling.of(directory), clock.monotonic()
    command = [str(Path(sys.executable).with_name("antiphon")), "load-demo"]
    command += ["--runs", str(runs), "--data-dir", str(directory / "data")]
    with subprocess.Popen(command) as process:  # noqa: S603
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise InvalidRunError(f"load-demo ended with {os.waitstatus_to_exitcode(status)}")
    projector = next(role.pid for role in DataDirectory(directory / "data").read().roles if role.role == "projector")
    after = Filling(
        runs=before.runs + runs,
        seconds=before.seconds + clock.monotonic() - started,
        load_demo_mib=max(before.load_demo_mib, used.ru_maxrss / 1024),
        projector_mib=max(before.projector_mib, _peak_mib(projector)),
    )
    (directory / _FILLING).write_text(after.model_dump_json())


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


@contextmanager
def prefect_with(directory: Path, antiphon_url: str) -> Iterator[Server]:
    """A running Prefect, whose tables hold the runs of an Antiphon."""
    directory.mkdir(exist_ok=True)
    with PostgresServer(directory / "postgres") as postgres:
        url = postgres.create_database("prefect")
        home = directory / "home"
        with psycopg.connect(url) as connection:
            is_made = _exists(connection, "flow_run")
        if not is_made:
            # Its first start makes the tables.
            with running_oracle(home, postgres.tcp_url_of("prefect")):
                pass
        with psycopg.connect(antiphon_url) as source, psycopg.connect(url, autocommit=True) as target:
            _copy(source, target)
        with running_oracle(home, postgres.tcp_url_of("prefect")) as server:
            yield server


def runs_of(antiphon_url: str) -> int:
    """How many flow runs there are."""
    with psycopg.connect(antiphon_url) as connection:
        return _count(connection, "read_v1.flow_run")


def _copy(source: psycopg.Connection[Any], target: psycopg.Connection[Any]) -> None:
    # Rows come in any order: which refers to which is checked by nobody, as in a restored dump.
    target.execute("SET session_replication_role TO replica")
    copied = False
    for table, columns in _TABLES.items():
        wanted, present = _count(source, f"read_v1.{table}"), _count(target, table)
        if present not in (0, wanted):
            raise InvalidRunError(f"Prefect's {table} has {present} rows, not {wanted}: choose another directory")
        if wanted != present:
            _copy_table(source, target, table, columns)
            copied = True
    if copied:
        target.execute("VACUUM (ANALYZE)")


def _copy_table(
    source: psycopg.Connection[Any], target: psycopg.Connection[Any], table: str, columns: Mapping[str, str]
) -> None:
    taken = f"COPY (SELECT {', '.join(columns.values())} FROM read_v1.{table}) TO STDOUT"  # noqa: S608  our own names
    put = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    with target.transaction(), source.cursor() as reading, target.cursor() as writing:
        indexes = _without_indexes(target, table)
        with reading.copy(taken.encode()) as rows, writing.copy(put.encode()) as copied:
            for row in rows:
                copied.write(row)
        for definition in indexes:
            target.execute(definition.encode())


def _without_indexes(connection: psycopg.Connection[Any], table: str) -> list[str]:
    """Drop the indexes that no constraint needs, and return how they are made: building them at once takes less."""
    found = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND schemaname = 'public'"
        " AND indexname NOT IN (SELECT conname FROM pg_constraint)",
        [table],
    ).fetchall()
    for name, _ in found:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return [definition for _, definition in found]


def _count(connection: psycopg.Connection[Any], table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608  our own names
    return int(row[0]) if row else 0


def _exists(connection: psycopg.Connection[Any], table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
    return bool(row and row[0])


def _is_analyzed(connection: psycopg.Connection[Any]) -> bool:
    # A later version may have added a table.
    query = "SELECT bool_and(last_vacuum IS NOT NULL) FROM pg_stat_user_tables WHERE schemaname = 'read_v1'"
    row = connection.execute(query).fetchone()
    return bool(row and row[0])
