"""The commands that keep an installation well."""

from __future__ import annotations

import json
import re

import httpx
import psycopg

from antiphon.projections.core.migrate import OBSERVED, SCHEMA
from antiphon.services.cli.health.database import examined
from antiphon.services.cli.health.finding import Severity
from tests.integration.test_start import Started, antiphon


def test_doctor_looks_at_everything_and_says_what_to_do(running: Started) -> None:
    result = antiphon("doctor", "--json", "--data-dir", str(running.data))
    findings = {item["subject"]: item for item in json.loads(result.stdout)}
    assert set(findings) == {
        "antiphon", "nats-server", "largest message", "log durability", "streams", "log", "log permissions",
        "PostgreSQL", "database durability", "schema",
        "rows", "database permissions", "lag of policy", "lag of events", "lag of observed",
        "lag of presence", "lag of events-observed", "lag of archive", "lag of recorder", "lag of reactor-observed",
        "lag of reactor-scheduled", "parked messages", "parked event streams", "clocks", "disk", "files",
    }  # fmt: skip
    assert {item["severity"] for name, item in findings.items() if name != "disk"} == {"ok"}, findings
    assert re.fullmatch(r"\d+\.\d+\.\d+", findings["nats-server"]["found"])
    assert result.returncode == 0
    assert "sync" not in antiphon("doctor", "--data-dir", str(running.data)).stderr


def test_doctor_finds_what_is_wrong(running: Started) -> None:
    postgres_url = json.loads((running.data / "run.json").read_text())["postgres_url"]
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("INSERT INTO observed.migration VALUES ('9999_from_the_future.sql')")
        try:
            result = antiphon("doctor", "--data-dir", str(running.data))
        finally:
            connection.execute("DELETE FROM observed.migration WHERE file LIKE '9999%'")
    assert result.returncode == 1
    assert "newer than this: 9999_from_the_future.sql" in result.stderr
    assert "this Antiphon is older than its database" in result.stderr


async def test_doctor_finds_tables_that_a_user_may_not_write_to(running: Started) -> None:
    postgres_url = json.loads((running.data / "run.json").read_text())["postgres_url"]
    async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
        # All of it is undone in the end.
        await connection.execute("CREATE ROLE lesser")
        for schema in (SCHEMA, OBSERVED, "archive"):
            await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO lesser".encode())
            await connection.execute(f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA {schema} TO lesser".encode())
        await connection.execute("REVOKE INSERT ON observed.log FROM lesser")
        await connection.execute("SET LOCAL ROLE lesser")
        found = {finding.subject: finding async for finding in examined(connection)}
        await connection.rollback()
    assert found["database permissions"].found == "lesser may not read and write observed.log"
    assert found["database permissions"].severity is Severity.PROBLEM


def test_doctor_finds_files_that_anybody_may_read(running: Started) -> None:
    log = running.data / "nats"
    log.chmod(0o755)
    try:
        result = antiphon("doctor", "--data-dir", str(running.data))
    finally:
        log.chmod(0o700)
    # The folder above may already keep others out.
    is_closed = not running.data.stat().st_mode & 0o001
    assert (f"chmod o-rwx {log}" in result.stdout + result.stderr) is not is_closed


def test_verify_agrees_or_names_the_first_difference(running: Started) -> None:
    httpx.post(f"{running.api_url}/flows/", json={"name": "verified"}).raise_for_status()
    result = antiphon("verify", "--data-dir", str(running.data))
    assert result.returncode == 0, result.stderr
    head = re.fullmatch(r"Log and archive agree up to position (\d+); head (\d+:[0-9a-f]{64})\n", result.stdout)
    assert head is not None
    assert antiphon("verify", "--head", head[2], "--data-dir", str(running.data)).returncode == 0
    wrong = f"{head[1]}:{'0' * 64}"
    result = antiphon("verify", "--head", wrong, "--data-dir", str(running.data))
    assert (result.returncode, f"Position {head[1]}: its hash is not the one that was known" in result.stderr) == (
        3,
        True,
    )
    assert antiphon("verify", "--head", "what", "--data-dir", str(running.data)).returncode == 2
