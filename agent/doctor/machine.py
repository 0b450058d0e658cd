"""Looks at the machine: kernel, control groups, programs, names, space. Changes nothing: what
has to be tried is tried in a network namespace that ends with the attempt."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Final

from agent.doctor.facts import Attempt, ControlGroups, Kernel, Names, Programs, Space
from agent.doctor.verdicts import PACKAGES
from agent.node import name_servers, read_machine

_SECONDS: Final = 20.0
# What the pod network and the service rules are made of.
_LINKS: Final = {
    "veth": ("type", "veth", "peer", "name", "b"),
    "bridge": ("type", "bridge"),
    "vxlan": ("type", "vxlan", "id", "1", "dstport", "4789"),
}
_RULES: Final = """\
table ip doctor {
  map targets {
    typeof ip daddr . meta l4proto . th dport . numgen random mod 2 : ip daddr . th dport
  }
  chain output {
    type nat hook output priority -100
    dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 map @targets
  }
  chain postrouting {
    type nat hook postrouting priority 100
    masquerade
  }
}
"""


def kernel() -> Kernel:
    """As root; others get no features."""
    forwarding = _text("/proc/sys/net/ipv4/ip_forward") == "1"
    overlay = "overlay" in _text("/proc/filesystems").split() or _loads("overlay")
    features = _features() if os.geteuid() == 0 else ()
    return Kernel(platform.release(), features, overlay, forwarding)


def _features() -> tuple[Attempt, ...]:
    links = [
        Attempt(name, _tried(["ip", "link", "add", "name", "a", *rest]))
        for name, rest in _LINKS.items()
    ]
    return (*links, Attempt("nftables", _tried(["nft", "-f", "-"], _RULES)))


def _tried(command: list[str], text: str = "") -> str:
    return run(["unshare", "--net", *command], text)[1]


def run(command: list[str], text: str = "") -> tuple[str, str]:
    """Output and fault of a command; the fault is "" when it went well."""
    try:
        result = subprocess.run(  # noqa: S603 - fixed commands
            command, input=text, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except OSError as error:
        return "", f"{error.filename}: {error.strerror}"
    except subprocess.TimeoutExpired:
        return "", f"{command[0]} did not end within {_SECONDS:g} s"
    said = result.stderr.strip().splitlines() or [f"{command[0]} ended with {result.returncode}"]
    return result.stdout, "" if result.returncode == 0 else said[0]


def _loads(module: str) -> bool:
    return not run(["modprobe", "--quiet", module])[1]


def cgroups(root: Path = Path("/sys/fs/cgroup")) -> ControlGroups:
    """What is mounted there."""
    unified = root / "cgroup.controllers"
    if unified.exists():
        return ControlGroups(2, frozenset(unified.read_text().split()))
    mounted = frozenset(path.name for path in root.iterdir() if (path / "tasks").exists())
    return ControlGroups(1, mounted, (root / "unified" / "cgroup.procs").exists())


def programs() -> Programs:
    """Podman's version, and what is not installed of what a node needs."""
    missing = [name for name in PACKAGES if not _found(name)]
    version, _ = run(["podman", "version", "--format", "{{.Client.Version}}"])
    return Programs(version.strip(), tuple(missing))


def _found(name: str) -> bool:
    # Podman looks for its own programs in folders that are in nobody's path.
    folders = ("/usr/libexec/podman", "/usr/lib/podman", "/usr/local/libexec/podman")
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", *folders))
    return shutil.which(name, path=path) is not None


def names() -> Names:
    """Own name, and the resolver's configuration."""
    own = socket.gethostname()
    servers, _ = name_servers(_text("/etc/resolv.conf"))
    try:
        socket.getaddrinfo(own, None)
    except OSError as error:
        return Names(own, error.strerror or str(error), servers)
    return Names(own, "", servers)


def space(data_dir: Path) -> Space:
    """Of the file system that will hold the agent's data."""
    machine = read_machine(data_dir)
    return Space(machine.memory, machine.disk_available, str(data_dir))


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
