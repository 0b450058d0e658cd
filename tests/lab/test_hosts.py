"""Hosts without a cluster on them: what every other part of the lab rests on."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from pilothouse.lab import (
    cgroups,
    cluster,
    control,
    engine,
    gateway,
    hosts,
    images,
    init,
    processes,
)
from pilothouse.lab.errors import LabError
from pilothouse.lab.plan import Host, Plan
from tests.lab.traces import Traces

pytestmark = [pytest.mark.root, pytest.mark.podman]

ECHO = """
import socketserver, sys
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)
socketserver.ThreadingTCPServer(("", int(sys.argv[1])), Echo).serve_forever()
"""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plan]:
    directory = tmp_path_factory.mktemp("hosts") / "bare"
    directory.mkdir()
    plan = Plan.draw("bare", directory, nodes=2, ports=gateway.free_ports())
    plan.save()
    before = Traces.take(directory)
    try:
        hosts.boot(plan, plan.switch)
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda host: hosts.boot(plan, host), plan.hosts))
        yield plan
    finally:
        cluster.down(plan.name, directory, lambda _: None)
    assert Traces.take(directory) == before
    assert not directory.exists()


@pytest.fixture(scope="module")
def image(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("image")
    (root / "bin").mkdir()
    shutil.copy("/bin/busybox", root / "bin" / "busybox")
    images.bring_in(plan, root, "localhost/box:1", ('ENTRYPOINT ["/bin/busybox"]',))
    return "localhost/box:1"


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def reaches(source: Host, target: Host) -> bool:
    ping = ["busybox", "ping", "-c1", "-W1", target.address]
    return hosts.run(source, ping).returncode == 0


def test_hosts_reach_each_other_and_nothing_else(plan: Plan) -> None:
    one, two = plan.nodes
    assert reaches(one, two)
    assert reaches(two, plan.master)
    outside = hosts.run(one, ["busybox", "ping", "-c1", "-W1", "192.0.2.1"])
    assert outside.returncode != 0


def test_a_host_that_is_cut_off_keeps_its_link_and_comes_back(plan: Plan) -> None:
    one, two = plan.nodes
    cluster.partition(plan, one.name)
    try:
        assert not reaches(two, one)
        assert not reaches(one, plan.master)
        link = hosts.run(one, ["cat", "/sys/class/net/eth0/carrier"])
        assert link.stdout.strip() == "1"
        shown = {row.host.name: row.partitioned for row in cluster.status(plan)}
        assert shown == {"master": False, "node-1": True, "node-2": False}
    finally:
        cluster.heal(plan, one.name)
    eventually(lambda: reaches(two, one))


def test_an_image_is_imported_once_and_runs_on_every_host(plan: Plan, image: str) -> None:
    assert image in images.names(plan)
    for host in plan.nodes:
        command = ["podman", "run", "--rm", "--network=none", image, "echo", "here"]
        result = hosts.run(host, command)
        assert (result.stdout, result.returncode) == ("here\n", 0), result.stderr


def test_a_running_engine_sees_an_image_that_is_imported_later(
    plan: Plan, image: str, tmp_path: Path
) -> None:
    host = plan.nodes[0]
    podman = processes.named(host, "podman")
    hosts.start(host, podman.name, podman.argv)
    hosts.wait_for_file(host, engine.SOCKET, timeout=10)
    url = f"unix://{engine.SOCKET}"
    assert hosts.run(host, ["podman", "--url", url, "image", "exists", image]).returncode == 0
    (tmp_path / "file").write_text("x")
    images.bring_in(plan, tmp_path, "localhost/later:1")
    later = ["podman", "--url", url, "image", "exists", "localhost/later:1"]
    assert hosts.run(host, later).returncode == 0


def test_killing_a_process_leaves_the_others_and_it_can_be_started_again(plan: Plan) -> None:
    host = plan.nodes[0]
    hosts.start(host, "sleeper", ["/bin/sleep", "1000"])
    assert hosts.start(host, "sleeper", ["/bin/sleep", "1000"]) is False
    assert control.call(host.directory, control.Kill("sleeper", 9)).changed
    states = {s.process: s for s in control.call(host.directory, control.Report()).processes}
    assert states["sleeper"].exit == -9
    assert control.call(host.directory, control.Kill("sleeper", 9)).changed is False
    assert hosts.start(host, "sleeper", ["/bin/sleep", "1000"])
    control.call(host.directory, control.Kill("sleeper", 9))


def test_a_process_that_ends_by_itself_is_started_again_unless_it_was_killed(plan: Plan) -> None:
    host = plan.nodes[0]

    def state() -> control.ProcessState:
        states = control.call(host.directory, control.Report()).processes
        return next(s for s in states if s.process == "brief")

    hosts.start(host, "brief", ["/bin/sleep", "0.1"], restart=True)
    eventually(lambda: state().starts >= 3)
    control.call(host.directory, control.Kill("brief", 9))
    starts = state().starts
    # Longer than a restart takes: what did not happen by then does not happen.
    hosts.run(host, ["sleep", str(init.RESTART_SECONDS + 0.5)])
    assert (state().starts, state().exit is None) == (starts, False)


def test_orphans_in_a_host_are_reaped(plan: Plan) -> None:
    host = plan.nodes[1]
    hosts.run(host, ["sh", "-c", "(sleep 0.05 &) ; exit 0"])
    zombies = ["sh", "-c", "grep -l '^State:.Z' /proc/[0-9]*/status"]
    eventually(lambda: hosts.run(host, zombies).stdout == "")


def test_a_power_cut_ends_everything_in_the_host_and_it_comes_back_plugged_in(plan: Plan) -> None:
    one, two = plan.nodes
    hosts.start(two, "sleeper", ["/bin/sleep", "1000"])
    group = cgroups.processes(two.cgroup)
    assert len(group) >= 2
    assert cluster.kill(plan, two.name, "all")
    eventually(lambda: not cgroups.processes(two.cgroup))
    with pytest.raises(LabError, match="is down"):
        hosts.running(two)
    assert not reaches(one, two)
    boot = ["cat", "/proc/sys/kernel/random/boot_id"]
    hosts.boot(plan, two)
    assert reaches(one, two)
    first = hosts.run(two, boot).stdout
    hosts.halt(two)
    hosts.boot(plan, two)
    assert hosts.run(two, boot).stdout != first


def test_the_operator_reaches_a_port_of_the_master_without_a_change_of_the_machine(
    plan: Plan,
) -> None:
    before = Traces.take(plan.directory)
    serve = [sys.executable, "-c", ECHO, str(processes.GRPC_PORT)]
    hosts.start(plan.master, "echo", serve)
    gateway.open_gateway(plan)
    payload = bytes(range(256)) * 4096

    def echoed() -> bool:
        address = ("127.0.0.1", plan.ports.grpc)
        with suppress(ConnectionError), socket.create_connection(address, timeout=5) as sock:
            sock.sendall(payload[:10])
            return sock.recv(10) == payload[:10]
        return False

    try:
        eventually(echoed)
        with (
            socket.create_connection(("127.0.0.1", plan.ports.grpc), timeout=5) as sock,
            ThreadPoolExecutor(1) as pool,
        ):
            sent = pool.submit(sock.sendall, payload)
            received = b""
            while len(received) < len(payload):
                chunk = sock.recv(65536)
                assert chunk
                received += chunk
            sent.result()
            assert received == payload
    finally:
        gateway.close_gateway(plan)
        control.call(plan.master.directory, control.Kill("echo", 9))
    after = Traces.take(plan.directory)
    assert (after.links, after.rules, after.mounts) == (before.links, before.rules, before.mounts)


def test_a_host_has_its_own_names_and_configuration(plan: Plan) -> None:
    host = plan.nodes[1]
    shown = hosts.run(host, ["sh", "-c", "hostname; cat /etc/hostname; getent hosts node-1"])
    assert shown.stdout.split() == ["node-2", "node-2", plan.nodes[0].address, "node-1"]
    machine = Path("/etc/hostname")
    assert not machine.exists() or machine.read_text().strip() != "node-2"


def test_down_removes_a_lab_whose_plan_and_records_were_lost(tmp_path: Path) -> None:
    directory = tmp_path / "lost"
    directory.mkdir()
    before = Traces.take(directory)
    plan = Plan.draw("lost", directory, nodes=1)
    hosts.boot(plan, plan.switch)
    hosts.boot(plan, plan.nodes[0])
    (plan.nodes[0].directory / "init.json").unlink()
    assert cluster.down("lost", directory, lambda _: None)
    assert Traces.take(directory) == before
    assert cluster.down("lost", directory, lambda _: None) is False


def test_down_leaves_another_lab_alone(plan: Plan, tmp_path: Path) -> None:
    directory = tmp_path / "bare"
    directory.mkdir()
    other = Plan.draw("bare", directory, nodes=1)
    hosts.boot(other, other.switch)
    cluster.down("bare", directory, lambda _: None)
    assert reaches(plan.nodes[0], plan.nodes[1])


def test_commands_run_by_hand_are_in_the_hosts_control_group(plan: Plan) -> None:
    host = plan.nodes[0]
    own = hosts.run(host, ["cat", "/proc/self/cgroup"]).stdout.splitlines()
    paths = {line.split(":", 2)[2] for line in own if not line.startswith("0::") or len(own) == 1}
    assert paths == {"/system"}


def test_a_name_that_is_no_host_is_explained(plan: Plan) -> None:
    with pytest.raises(LabError, match="master, node-1, node-2"):
        cluster.partition(plan, "node-9")
    with pytest.raises(LabError, match="podman, agent, netproxy"):
        cluster.kill(plan, "node-1", "kubelet")


def test_a_second_command_does_not_interfere_with_a_running_one(plan: Plan) -> None:
    descriptor = os.open(plan.directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(LabError, match="another command"):
            cluster.start(plan, "master", "master")
    finally:
        os.close(descriptor)
