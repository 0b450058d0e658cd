"""A real master for benchmarks: `pilot-master init` and `serve`, in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pilothouse.client import config as client_config
from pilothouse.process.tls import KeyPair

READY_SECONDS = 60.0
_PORTS = ("grpc-port", "join-port", "http-port", "https-port")


@dataclass(frozen=True, slots=True)
class Master:
    """Where it is, and who its administrator is."""

    pid: int
    directory: Path
    target: str
    http_port: int
    https_port: int

    @property
    def config(self) -> Path:
        """The administrator's client configuration."""
        return self.directory / "client.toml"

    def administrator(self) -> KeyPair:
        """The administrator's credential."""
        return client_config.load(self.config).key_pair()


@contextmanager
def running_master(directory: Path, **settings: str) -> Iterator[Master]:
    """A master on loopback ports that are free now, until the block ends; settings as in
    master.toml. Its log is DIRECTORY/master.log."""
    ports = free_ports(4)
    flags = {
        "data-dir": str(directory / "data"),
        "listen-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        **dict(zip(_PORTS, map(str, ports), strict=True)),
        "log-level": "WARNING",
    }
    options = [f"--{name}={value}" for name, value in flags.items()]
    environment = os.environ | {
        f"PILOT_MASTER_{name.upper()}": value for name, value in settings.items()
    }
    command = [sys.executable, "-m", "master.main"]
    subprocess.run(
        [*command, "init", *options, f"--client-config={directory / 'client.toml'}"],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    with (
        (directory / "master.log").open("w") as log,
        subprocess.Popen([*command, "serve", *options], env=environment, stderr=log) as process,
    ):
        try:
            _await_ready(ports[2], process, directory / "master.log")
            yield Master(process.pid, directory, f"127.0.0.1:{ports[0]}", ports[2], ports[3])
        finally:
            process.terminate()


def free_ports(count: int) -> list[int]:
    """TCP ports of loopback that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [sock.getsockname()[1] for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()


def _await_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the master has ended: {log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.05)
    raise TimeoutError(f"the master is not ready after {READY_SECONDS:.0f} s")
