"""A real TURN server on this machine, for tests that send a call through it."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

SECRET = "north"
"""Of which credentials are made; `PageIce` does."""


@contextmanager
def turn_server() -> Iterator[str]:
    """Run coturn and yield its address as `--ice` takes it; without coturn the test is skipped."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("coturn is not installed: apt-get install coturn")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = "-n --no-tls --no-dtls --no-cli --allow-loopback-peers --realm=test"
    secret = f"--use-auth-secret --static-auth-secret={SECRET}"
    place = (
        f"--listening-ip=127.0.0.1 --relay-ip=127.0.0.1 --listening-port={port} --log-file=stdout --pidfile="
    )
    with subprocess.Popen(
        [program, *f"{options} {secret} {place}".split()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        yield f"turn:127.0.0.1:{port}?transport=udp"
        server.terminate()
