"""Remembered ports."""

import socket
from pathlib import Path

from antiphon.services.runtime.embedded import port


def test_a_port_is_remembered(tmp_path: Path) -> None:
    first = port.remembered(tmp_path / "port")
    assert port.remembered(tmp_path / "port") == first
    assert port.is_free(port.LOOPBACK, first)


def test_a_port_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    first = port.remembered(tmp_path / "port")
    with socket.create_server((port.LOOPBACK, first)):
        assert not port.is_free(port.LOOPBACK, first)
        second = port.remembered(tmp_path / "port")
    assert second != first
    assert port.remembered(tmp_path / "port") == second


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("no number")
    assert port.remembered(tmp_path / "port") > 0


def test_an_address_that_is_not_ours_is_not_free() -> None:
    assert not port.is_free("192.0.2.1", 4200)
