"""A whole lab: bring it up, take it down, and what can be done to it in between.

Each step can be repeated: `up` on a lab that is half there makes the rest, `down` removes
whatever is left, also after a crash or a reboot. Only what the lab recorded as its own, or
what runs in its control groups, is ever ended.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pilothouse.lab import (
    access,
    cgroups,
    control,
    engine,
    gateway,
    hosts,
    network,
    processes,
)
from pilothouse.lab.errors import LabError
from pilothouse.lab.plan import DEFAULT_DIRECTORY, Host, Plan, Role, cgroup_of

T = TypeVar("T")
Say = Callable[[str], None]

_END_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class HostStatus:
    """What is true of a host now."""

    host: Host
    up: bool
    partitioned: bool
    processes: tuple[control.ProcessState, ...]


def up(plan: Plan, say: Say) -> None:
    """Make the lab's hosts and the cluster on them; returns when every node is Ready."""
    plan.directory.mkdir(parents=True, exist_ok=True)
    with _locked(plan.directory):
        plan.save()
        _boot(plan.switch, plan)
        _each(plan.hosts, lambda host: _boot(host, plan))
        say(f"{len(plan.hosts)} hosts on a switch of their own")
        _start_master(plan)
        say(
            f"master on {plan.master.address}, here on 127.0.0.1:{plan.ports.grpc}"
            f" (gRPC) and {plan.ports.https} (HTTPS)"
        )
        access.write_kubeconfig(plan)
        access.offer_as_default(plan)
        join = access.join_arguments(plan)
        _each(plan.nodes, lambda host: _start_node(host, join))
        say("Podman, agent and netproxy on every node")
        access.wait_for_nodes(plan)
        say(f"{len(plan.nodes)} nodes ready")


def down(name: str, directory: Path, say: Say) -> bool:
    """Remove the lab with every process, mount, group and file; False if there was none."""
    if not directory.exists():
        return False
    with _locked(directory):
        plan = Plan.load_or_guess(name, directory)
        access.withdraw_as_default(plan)
        gateway.close_gateway(plan)
        _each(plan.everything, hosts.halt)
        group = cgroup_of(name, directory)
        cgroups.remove(group, deadline=time.monotonic() + _END_SECONDS)
        cgroups.prune(group)
        say("processes, networks and mounts gone")
        shutil.rmtree(directory)
    if directory.parent == DEFAULT_DIRECTORY:
        _remove_if_empty(DEFAULT_DIRECTORY)
        _remove_if_empty(DEFAULT_DIRECTORY.parent)
    say(f"{directory} removed")
    return True


def status(plan: Plan) -> list[HostStatus]:
    """Every host with its processes."""
    cut = _partitioned(plan)
    return [_status(host, host.port in cut) for host in plan.hosts]


def partition(plan: Plan, name: str) -> None:
    """Cut the host off: nothing from it arrives anywhere, and nothing at it."""
    host = plan.host(name)
    network.apply(hosts.running(plan.switch).pid, network.partition_commands(host))


def heal(plan: Plan, name: str) -> None:
    """Undo a partition."""
    host = plan.host(name)
    network.apply(hosts.running(plan.switch).pid, network.heal_commands(host))


def kill(plan: Plan, name: str, process: str) -> bool:
    """SIGKILL one process of the host, or with "all" the host itself, as a power cut.

    False if it was not running. Containers live on when podman or the agent dies.
    """
    host = plan.host(name)
    if process == "all":
        return hosts.halt(host)
    processes.named(host, process)
    hosts.running(host)
    request = control.Kill(process, signal.SIGKILL)
    return control.call(host.directory, request).changed


def start(plan: Plan, name: str, process: str = "all") -> list[str]:
    """Start what does not run of the host; the names of what was started."""
    host = plan.host(name)
    wanted = processes.of(host) if process == "all" else (processes.named(host, process),)
    with _locked(plan.directory):
        booted = _boot(host, plan)
        if booted and host.role is Role.MASTER:
            gateway.open_gateway(plan)
        started = [p.name for p in wanted if hosts.start(host, p.name, p.argv, restart=True)]
    return ["host", *started] if booted else started


def _boot(host: Host, plan: Plan) -> bool:
    if hosts.find(host) is not None:
        return False
    hosts.boot(plan, host)
    return True


def _start_master(plan: Plan) -> None:
    host = plan.master
    access.initialize(plan)
    for process in processes.of(host):
        hosts.start(host, process.name, process.argv, restart=True)
    gateway.open_gateway(plan)
    access.wait_for_master(plan)


def _start_node(host: Host, join: tuple[str, ...]) -> None:
    podman, *others = processes.of(host)
    hosts.start(host, podman.name, podman.argv, restart=True)
    hosts.wait_for_file(host, engine.SOCKET, timeout=30)
    access.join(host, join)
    for process in others:
        hosts.start(host, process.name, process.argv, restart=True)


def _status(host: Host, cut: bool) -> HostStatus:
    if hosts.find(host) is None:
        return HostStatus(host, up=False, partitioned=cut, processes=())
    states = control.call(host.directory, control.Report()).processes
    return HostStatus(host, up=True, partitioned=cut, processes=states)


def _partitioned(plan: Plan) -> frozenset[str]:
    record = hosts.find(plan.switch)
    return network.partitioned(record.pid) if record else frozenset()


def _each(items: Iterable[Host], act: Callable[[Host], T]) -> list[T]:
    with ThreadPoolExecutor(max_workers=16, thread_name_prefix="lab") as pool:
        return list(pool.map(act, items))


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """One change of a lab at a time; the lock ends with the process that holds it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LabError(f"another command is changing the lab in {directory}") from error
        yield
    finally:
        os.close(descriptor)


def _remove_if_empty(directory: Path) -> None:
    with suppress(OSError):  # another lab, or a master or agent of the machine itself
        directory.rmdir()
