"""This machine as a Node: capacity, allocatable, addresses, facts, conditions.

`node_status` is pure; `read_machine` looks at /proc, /etc and the file system once.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from agent.config import AgentConfig
from pilothouse.objects import quantity
from protos.core_v1_pb2 import Node, NodeCondition, NodeStatus

READY, MEMORY, DISK, PIDS = "Ready", "MemoryPressure", "DiskPressure", "PIDPressure"
# The kernel refuses new processes beyond pid_max; pressure is said when so little is left.
_PIDS_LEFT_PART = 10
_HUGE = 1 << 60  # what cgroup v1 writes for "no limit"


@dataclass(frozen=True, slots=True)
class Machine:
    """What was read. Bytes, except cpus (thousandths of a core) and process counts."""

    hostname: str
    cpu_milli: int
    memory: int
    memory_available: int
    disk: int
    disk_available: int
    pids: int
    pids_used: int
    machine_id: str
    system_uuid: str
    boot_id: str
    kernel: str
    os_image: str
    architecture: str


@dataclass(frozen=True, slots=True)
class Engine:
    """The container engine: its version, or why it does not answer."""

    version: str = ""
    fault: str = ""


def read_machine(data_dir: Path) -> Machine:
    """Look once; blocks for a moment. Reads cost well below a millisecond."""
    memory = _meminfo()
    disk = shutil.disk_usage(_existing(data_dir))
    return Machine(
        hostname=socket.gethostname(),
        cpu_milli=_cpu_milli(),
        memory=min(memory["MemTotal"], _memory_limit()),
        memory_available=memory["MemAvailable"],
        disk=disk.total,
        disk_available=disk.free,
        pids=int(_first_line("/proc/sys/kernel/pid_max") or 32768),
        pids_used=_processes(),
        machine_id=_first_line("/etc/machine-id"),
        system_uuid=_first_line("/sys/class/dmi/id/product_uuid"),
        boot_id=_first_line("/proc/sys/kernel/random/boot_id"),
        kernel=platform.release(),
        os_image=_os_image(),
        architecture={"x86_64": "amd64", "aarch64": "arm64"}.get(
            platform.machine(), platform.machine()
        ),
    )


def _existing(path: Path) -> Path:
    return next(p for p in (path, *path.parents) if p.exists())


def _meminfo() -> dict[str, int]:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return {
        name: int(rest.split()[0]) * 1024
        for name, _, rest in (line.partition(":") for line in lines)
    }


def _processes() -> int:
    # The fourth field of loadavg is running/all; threads count, as pid_max counts them.
    return int(_first_line("/proc/loadavg").split()[3].partition("/")[2])


def _cpu_milli() -> int:
    cpus = len(os.sched_getaffinity(0)) * 1000
    quota = _first_line("/sys/fs/cgroup/cpu.max").split()
    if len(quota) == 2 and quota[0] != "max":
        return min(cpus, int(quota[0]) * 1000 // int(quota[1]))
    return cpus


def _memory_limit() -> int:
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = _first_line(path)
        if text.isdigit() and int(text) < _HUGE:
            return int(text)
    return _HUGE


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").partition("\n")[0].strip()
    except OSError:
        return ""


def _os_image() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def address_towards(master: str) -> str:
    """This node's address on the way to host:port; nothing is sent. OSError: no route."""
    host, _, port = master.rpartition(":")
    family, kind, _, _, target = socket.getaddrinfo(
        host.strip("[]"), int(port), type=socket.SOCK_DGRAM
    )[0]
    with socket.socket(family, kind) as probe:
        probe.connect(target)
        return str(probe.getsockname()[0])


def node_object(name: str, machine: Machine, status: NodeStatus) -> Node:
    """The Node that this agent introduces itself as."""
    node = Node(status=status)
    node.metadata.name = name
    node.metadata.labels["kubernetes.io/hostname"] = machine.hostname
    for prefix in ("", "beta."):  # the old names too, as Kubernetes still sets them
        node.metadata.labels[f"{prefix}kubernetes.io/os"] = "linux"
        node.metadata.labels[f"{prefix}kubernetes.io/arch"] = machine.architecture
    return node


def node_status(
    config: AgentConfig, machine: Machine, engine: Engine, node_ip: str, version: str
) -> NodeStatus:
    """What the node can give and how it is. Times are the master's to set."""
    status = NodeStatus()
    capacity = {
        "cpu": machine.cpu_milli,
        "memory": machine.memory,
        "ephemeral-storage": machine.disk,
        "pods": config.max_pods,
    }
    for resource, amount in capacity.items():
        status.capacity[resource].string = _text(resource, amount)
    for resource, amount in allocatable(config, machine).items():
        status.allocatable[resource].string = _text(resource, amount)
    status.conditions.extend(_conditions(config, machine, engine))
    status.addresses.add(type="InternalIP", address=node_ip)
    status.addresses.add(type="Hostname", address=machine.hostname)
    info = status.node_info
    info.machine_id, info.system_uuid = machine.machine_id, machine.system_uuid
    info.boot_id, info.kernel_version = machine.boot_id, machine.kernel
    info.os_image, info.architecture = machine.os_image, machine.architecture
    info.operating_system = "linux"
    info.container_runtime_version = engine.version
    info.kubelet_version = info.kube_proxy_version = version
    return status


def allocatable(config: AgentConfig, machine: Machine) -> dict[str, int]:
    """What pods may have of the machine: cpu in thousandths, others in units."""
    return {
        "cpu": max(machine.cpu_milli - quantity.milli(config.reserved_cpu), 0),
        "memory": max(machine.memory - quantity.value(config.reserved_memory), 0),
        "ephemeral-storage": max(
            machine.disk - quantity.value(config.reserved_ephemeral_storage), 0
        ),
        "pods": config.max_pods,
    }


def _text(resource: str, amount: int) -> str:
    if resource == "cpu":
        return str(quantity.Quantity.of_milli(amount))
    if resource == "pods":
        return str(amount)
    return f"{amount // 1024}Ki"


def _conditions(config: AgentConfig, machine: Machine, engine: Engine) -> list[NodeCondition]:
    low_memory = machine.memory_available < quantity.value(config.memory_pressure_below)
    low_disk = machine.disk_available * 100 < machine.disk * config.disk_pressure_below_percent
    low_pids = machine.pids - machine.pids_used < machine.pids // _PIDS_LEFT_PART
    return [
        _pressure(MEMORY, low_memory, "HasInsufficientMemory", "HasSufficientMemory", "memory"),
        _pressure(DISK, low_disk, "HasDiskPressure", "HasNoDiskPressure", "disk space"),
        _pressure(PIDS, low_pids, "HasInsufficientPID", "HasSufficientPID", "process ids"),
        _ready(engine),
    ]


def _pressure(kind: str, low: bool, bad: str, good: str, what: str) -> NodeCondition:
    if low:
        return NodeCondition(
            type=kind, status="True", reason=f"Agent{bad}", message=f"the node is short of {what}"
        )
    return NodeCondition(
        type=kind, status="False", reason=f"Agent{good}", message=f"the node has enough {what}"
    )


def _ready(engine: Engine) -> NodeCondition:
    if engine.fault:
        return NodeCondition(
            type=READY,
            status="False",
            reason="RuntimeNotReady",
            message=f"container runtime is down: {engine.fault}",
        )
    return NodeCondition(
        type=READY, status="True", reason="AgentReady", message="the agent is ready"
    )


def name_servers(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name servers and search domains of a resolv.conf."""
    servers: list[str] = []
    searches: tuple[str, ...] = ()
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            servers.append(words[1])
        elif words and words[0] in ("search", "domain"):
            searches = tuple(words[1:])
    return tuple(servers), searches
