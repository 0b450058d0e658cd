"""What runs on a host of the lab and how it is configured: the shipped programs, as a
machine would run them, with the paths that have to differ between hosts."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from pilothouse.lab import engine
from pilothouse.lab.errors import LabError
from pilothouse.lab.plan import USUAL_PORTS, Host, Plan, Role

GRPC_PORT = USUAL_PORTS.grpc
HTTP_PORT = 7444

_NAMES = {
    Role.SWITCH: (),
    Role.MASTER: ("master",),
    Role.NODE: ("podman", "agent", "netproxy"),
}


@dataclass(frozen=True, slots=True)
class Process:
    """A long-running program of a host."""

    name: str
    argv: tuple[str, ...]


def of(host: Host) -> tuple[Process, ...]:
    """The processes of a host, in the order in which they start."""
    return tuple(Process(name, _argv(name)) for name in _NAMES[host.role])


def named(host: Host, name: str) -> Process:
    """One of them; LabError lists those there are."""
    for process in of(host):
        if process.name == name:
            return process
    raise LabError(f"host {host.name} has no process {name!r}: {', '.join(_NAMES[host.role])}")


def program(name: str) -> str:
    """A program that was installed together with this one; LabError if it is not there."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise LabError(f"{path} does not exist: install pilothouse where {sys.executable} is")
    return str(path)


def data_directory(host: Host, name: str) -> Path:
    """Where that process of the host keeps its state."""
    # Not beside each other in the host's directory: processes stand there, and Python would take
    # a folder of a package's name for the package.
    return host.directory / "data" / name


def configuration(plan: Plan, host: Host) -> dict[str, str]:
    """The files in the host's /etc/pilothouse, name to text."""
    if host.role is Role.MASTER:
        return {"master.toml": _master_toml(host)}
    if host.role is Role.NODE:
        return {"agent.toml": _agent_toml(host), "netproxy.toml": _netproxy_toml(plan, host)}
    return {}


def _argv(name: str) -> tuple[str, ...]:
    match name:
        case "podman":
            return ("/usr/bin/podman", "system", "service", "--time=0", f"unix://{engine.SOCKET}")
        case "master":
            return (program("pilot-master"), "serve")
        case "agent":
            return (program("pilot-agent"), "run")
        case _:
            return (program("pilot-netproxy"),)


def _master_toml(host: Host) -> str:
    return f'data_dir = "{data_directory(host, "master")}"\nadvertise_address = "{host.address}"\n'


def _agent_toml(host: Host) -> str:
    return (
        f'node_name = "{host.name}"\n'
        f'node_ip = "{host.address}"\n'
        f'data_dir = "{data_directory(host, "agent")}"\n'
        f'netproxy_dir = "{data_directory(host, "netproxy")}"\n'
    )


def _netproxy_toml(plan: Plan, host: Host) -> str:
    return (
        f'node_name = "{host.name}"\n'
        f'master = "{plan.master.address}:{GRPC_PORT}"\n'
        f'data_dir = "{data_directory(host, "netproxy")}"\n'
    )
