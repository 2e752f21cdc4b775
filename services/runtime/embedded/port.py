"""A free loopback port, remembered in a file so that a restarted server keeps its address."""

from __future__ import annotations

import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"


def remembered(path: Path) -> int:
    """Return the port written in `path` if it is free, else a new one, which is written there."""
    try:
        port = int(path.read_text())
    except (FileNotFoundError, ValueError):
        port = 0
    if port == 0 or not is_free(LOOPBACK, port):
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port = probe.getsockname()[1]
        path.write_text(f"{port}\n")
    return port


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen on this address now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # Servers set it too: connections of a stopped server in TIME_WAIT are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
