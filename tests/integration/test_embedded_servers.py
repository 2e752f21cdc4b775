"""The embedded servers: kept data, crashes, leftovers of killed predecessors."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import nats
import psutil
import psycopg
import pytest

from antiphon.services.runtime.embedded.errors import EmbeddedServerError
from antiphon.services.runtime.embedded.nats_server import NatsServer
from antiphon.services.runtime.embedded.postgres import PostgresServer
from tests.servers import fresh_database, until

_AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as another user")
_PARENT = """
import json, sys, time
from pathlib import Path
from antiphon.services.runtime.embedded.nats_server import NatsServer
from antiphon.services.runtime.embedded.postgres import PostgresServer
servers = [NatsServer(Path(sys.argv[1]) / "nats"), PostgresServer(Path(sys.argv[1]) / "postgres")]
for server in servers:
    server.start()
print(json.dumps([servers[1].url, *(server.pid for server in servers)]), flush=True)
time.sleep(600)
"""


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_what_nats_acknowledged_survives_a_kill(nats_server: NatsServer) -> None:
    client = await nats.connect(nats_server.url)
    await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
    acknowledged = await client.jetstream().publish("kept", b"something")
    address = nats_server.url
    nats_server.kill()
    nats_server.start()
    assert nats_server.url == address
    await client.close()
    client = await nats.connect(nats_server.url)
    message = await client.jetstream().get_msg("KEPT", acknowledged.seq)
    assert message.data == b"something"
    await client.close()


async def test_nats_takes_payloads_of_eight_megabytes_and_syncs_always(nats_server: NatsServer, tmp_path: Path) -> None:
    client = await nats.connect(nats_server.url)
    assert client.max_payload == 8 * 1024 * 1024
    await client.close()
    assert "sync_interval: always" in (tmp_path / "nats" / "nats-server.conf").read_text()


def test_nats_finds_another_port_when_its_own_is_taken(tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "nats")
    server.start()
    first = server.port
    server.stop()
    with socket.create_server(("127.0.0.1", first)):
        server.start()
        second = server.port
        server.stop()
    assert second != first


def test_a_damaged_nats_store_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "nats").mkdir()
    (tmp_path / "nats" / "store").write_text("not a directory")
    server = NatsServer(tmp_path / "nats")
    with pytest.raises(EmbeddedServerError, match=r"nats-server did not start; its log is .*nats-server\.log"):
        server.start()
    assert not server.is_running


def test_postgres_has_the_settings_that_acknowledging_relies_on(postgres_server: PostgresServer) -> None:
    with fresh_database(postgres_server) as url, psycopg.connect(url) as connection:
        for setting, value in (("fsync", "on"), ("synchronous_commit", "on"), ("full_page_writes", "on")):
            assert connection.execute("SELECT current_setting(%s)", [setting]).fetchone() == (value,)


def test_postgres_refuses_whoever_does_not_know_the_password(postgres_server: PostgresServer) -> None:
    for url in (postgres_server.url, postgres_server.tcp_url_of("antiphon")):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url, password="guessed")  # noqa: S106


def test_a_database_is_created_once(postgres_server: PostgresServer) -> None:
    with fresh_database(postgres_server) as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept (id int)")
            name = connection.info.dbname
        postgres_server.create_database(name)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_an_interrupted_first_start_of_postgres_is_begun_again(open_path: Path) -> None:
    unfinished = open_path / "postgres" / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18")
    with PostgresServer(open_path / "postgres") as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_nothing_is_left_when_the_parent_is_killed_and_the_next_one_continues(open_path: Path) -> None:
    def start() -> tuple[subprocess.Popen[bytes], str, list[int]]:
        process = subprocess.Popen([sys.executable, "-c", _PARENT, str(open_path)], stdout=subprocess.PIPE)  # noqa: S603
        assert process.stdout is not None
        with process.stdout as output:
            url, *pids = json.loads(output.readline())
        return process, url, pids

    first, url, pids = start()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (id int)")
    first.kill()
    first.wait()
    # At once: the second start meets the first one's servers while they are ending.
    second, url, second_pids = start()
    try:
        until(lambda: all(is_gone(pid) for pid in pids))
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    finally:
        second.send_signal(signal.SIGKILL)
        second.wait()
    until(lambda: all(is_gone(pid) for pid in second_pids))


def test_a_stale_lock_file_with_somebody_elses_process_id_is_no_obstacle(open_path: Path) -> None:
    server = PostgresServer(open_path / "postgres")
    server.start()
    lock = open_path / "postgres" / "data" / "postmaster.pid"
    text = lock.read_text()
    server.stop()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        lock.write_text(text.replace(text.splitlines()[0], str(other.pid), 1))
        (open_path / "nats").mkdir()
        (open_path / "nats" / "nats-server.pid").write_text(str(other.pid))
        with server, NatsServer(open_path / "nats"):
            assert other.poll() is None


@_AS_ROOT
def test_postgres_has_no_capability_when_root_starts_it(postgres_server: PostgresServer) -> None:
    lines = Path(f"/proc/{postgres_server.pid}/status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines)
    assert status["Uid"].split()[0] != "0"
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}


@_AS_ROOT
def test_root_hands_data_of_another_user_to_postgres(open_path: Path) -> None:
    with PostgresServer(open_path / "postgres") as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept (id int)")
    data = open_path / "postgres" / "data"
    outside = open_path / "outside"
    outside.touch()
    (data / "link").symlink_to(outside)
    for path in (data, *data.rglob("*")):
        os.chown(path, 0, 0, follow_symlinks=False)
    with PostgresServer(open_path / "postgres") as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    assert outside.stat().st_uid == 0
    assert (open_path / "postgres").stat().st_uid == 0


@_AS_ROOT
def test_a_strict_umask_of_root_closes_nothing_to_postgres(open_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with PostgresServer(open_path / "postgres") as server:
            assert server.is_running
    finally:
        os.umask(before)
