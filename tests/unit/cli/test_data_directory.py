"""The lock and the run file of a data directory."""

import os
from pathlib import Path

import pytest

from antiphon.services.cli.data_directory import DataDirectory, RoleEntry, RunFile
from antiphon.services.cli.failures import CannotStartError, NotRunningError


def run_file() -> RunFile:
    role = RoleEntry(role="policy", pid=7, port=None, started_at="2026-01-01T00:00:00+00:00", restarts=1)
    return RunFile(
        pid=os.getpid(),
        started_at="2026-01-01T00:00:00+00:00",
        api_url="http://127.0.0.1:4200/api",
        nats_url="nats://127.0.0.1:1",
        postgres_url="postgresql://user:secret@/antiphon",
        servers=[],
        roles=[role],
    )


def test_what_is_written_can_be_read_while_it_is_locked(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "data")
    with directory.locked():
        directory.write(run_file())
        assert DataDirectory(tmp_path / "data").read() == run_file()


def test_the_run_file_is_for_its_owner_only(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    with directory.locked():
        directory.write(run_file())
        assert (tmp_path / "run.json").stat().st_mode & 0o077 == 0


def test_two_cannot_run_on_one_directory(tmp_path: Path) -> None:
    with DataDirectory(tmp_path).locked():
        second = DataDirectory(tmp_path).locked()
        with pytest.raises(CannotStartError, match=f"already running on .*process {os.getpid()}"):
            second.__enter__()
        assert DataDirectory(tmp_path).running_pid() == os.getpid()


def test_nothing_runs_before_and_after(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    with pytest.raises(NotRunningError, match="is not running"):
        directory.read()
    with directory.locked():
        directory.write(run_file())
    with pytest.raises(NotRunningError, match="is not running"):
        directory.read()


def test_the_run_file_of_a_killed_predecessor_is_not_believed(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    with directory.locked():
        directory.write(run_file().model_copy(update={"pid": 1}))
        with pytest.raises(NotRunningError, match="starting or stopping"):
            directory.read()


def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    refused = DataDirectory(tmp_path / "file" / "data").locked()
    with pytest.raises(CannotStartError, match="cannot write in the data directory"):
        refused.__enter__()
