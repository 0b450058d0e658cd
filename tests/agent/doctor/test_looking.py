"""What the doctor sees on this machine is what is there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from agent.config import AgentConfig
from agent.doctor import machine, network
from agent.doctor.facts import Chain, ControlGroups

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@root
@pytest.mark.root
def test_features_are_tried_and_leave_nothing() -> None:
    before = os.listdir("/sys/class/net")
    features = machine.kernel().features
    assert [feature.what for feature in features] == ["veth", "bridge", "vxlan", "nftables"]
    assert not any(feature.fault for feature in features)
    assert os.listdir("/sys/class/net") == before


def test_command_that_is_not_there_is_a_fault() -> None:
    assert "No such file" in machine.run(["/no/such/program"])[1]


def test_cgroups_by_what_is_mounted(tmp_path: Path) -> None:
    for name in ("cpu", "memory"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tasks").touch()
    (tmp_path / "unified").mkdir()
    assert machine.cgroups(tmp_path) == ControlGroups(1, frozenset({"cpu", "memory"}))
    (tmp_path / "unified" / "cgroup.procs").touch()
    assert machine.cgroups(tmp_path).hybrid
    (tmp_path / "cgroup.controllers").write_text("cpu pids\n")
    assert machine.cgroups(tmp_path) == ControlGroups(2, frozenset({"cpu", "pids"}))


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])
def test_holder_of_a_port_is_named(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as held:
        held.bind((address, 0))
        held.listen()
        config = AgentConfig(health_port=held.getsockname()[1])
        agent = network.ports(config)[0]
    assert agent.holder == Path("/proc/self/comm").read_text().strip()
    assert network.ports(config)[0].holder == ""


class _Late(BaseHTTPRequestHandler):
    """A master whose clock is two minutes behind, on ports of its own."""

    def do_GET(self) -> None:
        self.send_response_only(200)
        self.send_header("Date", formatdate(time.time() - 120, usegmt=True))
        self.end_headers()
        if self.path == "/cluster-info":
            self.wfile.write(b'{"ca": "", "grpc_port": 2, "join_port": 3}')

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def late_master() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), _Late) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_masters_clock_is_compared(late_master: int) -> None:
    found = network.master(f"127.0.0.1:{late_master}")
    assert found.skew == pytest.approx(-120, abs=2)
    assert found.ports[0].fault == ""


def test_ports_are_looked_at_that_the_master_tells(late_master: int) -> None:
    found = network.master(f"127.0.0.1:{late_master}")
    assert [port.what for port in found.ports[1:]] == [
        "127.0.0.1:2 (gRPC)",
        "127.0.0.1:3 (joining)",
    ]


def test_master_that_is_down_refuses() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        found = network.master(f"127.0.0.1:{closed.getsockname()[1]}")
    assert found.ports[0].fault == "connection refused"
    assert found.skew is None


def test_masters_name_that_does_not_resolve() -> None:
    assert network.master("no-such-host.invalid").resolution


def test_dropping_chains_of_others_are_seen() -> None:
    def chain(table: str, policy: str, hook: str) -> dict[str, dict[str, str]]:
        named = {"family": "ip", "table": table, "name": hook.upper()}
        return {"chain": {**named, "hook": hook, "policy": policy}}

    ruleset = [
        {"metainfo": {}},
        chain("filter", "drop", "forward"),
        chain("filter", "accept", "input"),
        chain("filter", "drop", "output"),
        chain("pilothouse", "drop", "forward"),
    ]
    assert list(network.dropping(ruleset)) == [Chain("ip filter", "FORWARD", "forward")]


def test_dropping_legacy_chains_are_seen() -> None:
    rules = "-P INPUT ACCEPT\n-P FORWARD DROP\n-A FORWARD -j DROP\n"
    (chain,) = network.dropping_legacy(rules)
    assert (chain.table, chain.hook) == ("iptables-legacy filter", "forward")


def test_command_says_what_to_do_and_fails(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        result = subprocess.run(
            [sys.executable, "-m", "agent.main", "doctor", "--config", "/dev/null"]
            + ["--data-dir", str(tmp_path)],
            env={**os.environ, "PILOT_AGENT_HEALTH_PORT": str(held.getsockname()[1])},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert result.returncode == 1
    assert "→ stop" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("not fit to be a node")
