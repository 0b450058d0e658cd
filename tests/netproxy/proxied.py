"""A node in namespaces of its own with a real master and a real netproxy in it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from master.identity.ca import utc_now
from master.identity.files import IdentityFiles
from master.identity.user import netproxy_user
from pilothouse.process import nodefacts
from pilothouse.process.nodefacts import NodeFacts
from tests.master.running import pair_of
from tests.netproxy.node import POD_CIDR, Node, inside

DNS = "10.96.0.10"
SECONDS = 20.0
PORT = 7443


def until(condition: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    """Look again and again until it is so; AssertionError says what never was."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)


class Proxied:
    """The master keeps its state in `directory`; both processes end with the context."""

    def __init__(self, on: Node, directory: Path) -> None:
        self.on = on
        self.directory = directory
        self.data = directory / "netproxy"
        self._master: subprocess.Popen[str] | None = None
        self._proxy: subprocess.Popen[str] | None = None
        self.settings: dict[str, str] = {}

    def _start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        with (self.directory / "log").open("a") as log:
            return subprocess.Popen(
                ("nsenter", f"--net=/run/netns/{self.on.namespace}", *command),
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def log(self) -> str:
        """What the processes said on standard error."""
        return (self.directory / "log").read_text()

    def start_master(self) -> None:
        master = str(self.directory / "master")
        self._master = self._start(
            sys.executable, "-m", "tests.pilothouse.cluster", master, str(PORT)
        )
        assert self._master.stdout is not None
        assert self._master.stdout.readline(), "the master ended before it was ready"

    def stop_master(self) -> None:
        if self._master is not None:
            assert self._master.stdin is not None
            self._master.stdin.close()
            assert self._master.wait(SECONDS) == 0
            assert self._master.stdout is not None
            self._master.stdout.close()
            self._master = None

    def join(self, **changes: str) -> None:
        """Leave what the agent of this node would leave."""
        authority = IdentityFiles(self.directory / "master").init([], utc_now())
        pair = pair_of(authority, netproxy_user("n1"))
        facts = {
            "node": "n1",
            "master": f"127.0.0.1:{PORT}",
            "pod_cidr": POD_CIDR,
            "cluster_cidr": "10.244.0.0/16",
            "service_cidr": "10.96.0.0/12",
            "dns_address": DNS,
            "cluster_domain": "cluster.local",
        }
        nodefacts.write(self.data, NodeFacts(**{**facts, **changes}))
        for name, content in (
            ("ca.crt", pair.ca),
            ("netproxy.key", pair.key),
            ("netproxy.crt", pair.certificate),
        ):
            (self.data / name).write_bytes(content)

    def start(self, *arguments: str) -> None:
        environment = {
            "PILOT_NETPROXY_DATA_DIR": str(self.data),
            "PILOT_NETPROXY_RESOLV_CONF": "/nonexistent",
            **{f"PILOT_NETPROXY_{name.upper()}": value for name, value in self.settings.items()},
        }
        program = str(Path(sys.executable).parent / "pilot-netproxy")
        config = str(self.directory / "netproxy.toml")
        self._proxy = self._start(program, "--config", config, *arguments, **environment)

    @property
    def pid(self) -> int:
        assert self._proxy is not None
        return self._proxy.pid

    def ended(self) -> int | None:
        assert self._proxy is not None
        return self._proxy.poll()

    def kill(self, number: int = signal.SIGKILL) -> int:
        """The exit status."""
        proxy, self._proxy = self._proxy, None
        assert proxy is not None
        if proxy.poll() is None:
            os.kill(proxy.pid, number)
        status = proxy.wait(SECONDS)
        for pipe in (proxy.stdin, proxy.stdout):
            assert pipe is not None
            pipe.close()
        return status

    def close(self) -> None:
        try:
            if self._proxy is not None:
                self.kill()
        finally:
            self.stop_master()

    def page(self, path: str, port: int = 7446) -> tuple[int, str]:
        """Status and text of a page; (0, "") while nothing listens."""
        try:
            sock = inside(
                self.on.namespace, lambda: socket.create_connection(("127.0.0.1", port), 5)
            )
        except OSError:
            return 0, ""
        with sock:
            sock.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            answer = b"".join(iter(lambda: sock.recv(65536), b"")).decode()
        head, _, text = answer.partition("\r\n\r\n")
        return int(head.split()[1]), text

    def is_ready(self) -> bool:
        return self.page("/readyz")[0] == 200

    def resident(self) -> float:
        """Megabytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 1e6

    def pilot(self, *arguments: str, text: str = "") -> str:
        """What the operator's tool says, used on this node."""
        program = str(Path(sys.executable).parent / "pilot")
        done = subprocess.run(
            ("nsenter", f"--net=/run/netns/{self.on.namespace}", program, *arguments),
            env={
                **os.environ,
                "PILOTHOUSE_CONFIG": str(self.directory / "master" / "client" / "client.toml"),
            },
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def apply(self, *manifests: dict[str, object]) -> None:
        self.pilot("apply", "-f", "-", text="\n---\n".join(map(json.dumps, manifests)))

    def nft(self, *arguments: str) -> str:
        command = ("nsenter", f"--net=/run/netns/{self.on.namespace}", "nft", *arguments)
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout


def service(name: str, address: str, **spec: object) -> dict[str, object]:
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"clusterIP": address, "ports": ports, **spec},
    }


def endpoints(name: str, *numbers: int) -> dict[str, object]:
    """A slice of the service with these pods of the node."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": name,
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": [
            {
                "addresses": [f"10.244.1.{number}"],
                "conditions": {"ready": True},
                "nodeName": "n1",
            }
            for number in numbers
        ],
    }


@contextmanager
def proxied(on: Node, directory: Path) -> Iterator[Proxied]:
    made = Proxied(on, directory)
    try:
        yield made
    finally:
        made.close()
