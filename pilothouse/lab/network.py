"""The hosts' network: a bridge in a namespace of its own, a link to every host.

The switch answers as the default gateway, so that the hosts have routes for addresses which
the service rules rewrite, and refuses whatever is really sent there: nothing leaves the
machine. A host that is cut off keeps its link and its carrier; its packets get no further,
as behind a failed switch.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from pilothouse.lab.errors import LabError
from pilothouse.lab.plan import Host, Plan

BRIDGE = "br0"
LINK = "eth0"


def bridge_commands(plan: Plan) -> list[str]:
    """What makes a namespace the switch, for `ip -batch`."""
    return [
        "link set lo up",
        f"link add {BRIDGE} type bridge",
        f"address add {plan.gateway}/{plan.prefix_length} dev {BRIDGE}",
        f"link set {BRIDGE} up",
        "route add unreachable default",
    ]


def port_commands(host: Host, pid: int) -> list[str]:
    """On the switch: a link into the network namespace of that process.

    The hardware address stays the same over the host's restarts, as a machine's does: the
    others' neighbour tables remain right.
    """
    return [
        f"link add {host.port} type veth peer name {LINK} address {host.mac} netns {pid}",
        f"link set {host.port} master {BRIDGE} up",
    ]


def link_commands(plan: Plan, host: Host) -> list[str]:
    """In the host: its address and its default route."""
    return [
        "link set lo up",
        f"address add {host.address}/{plan.prefix_length} dev {LINK}",
        f"link set {LINK} up",
        f"route add default via {plan.gateway}",
    ]


def partition_commands(host: Host) -> list[str]:
    """On the switch: the host's frames go nowhere."""
    return [f"link set {host.port} nomaster"]


def heal_commands(host: Host) -> list[str]:
    """On the switch: undo a partition."""
    return [f"link set {host.port} master {BRIDGE}"]


def unplug(pid: int, host: Host) -> None:
    """Remove what is left of the host's port on the switch (in the namespace of pid).

    The kernel takes the link away with the host's namespace, but some time after its end.
    """
    subprocess.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "link", "delete", host.port],
        capture_output=True,
        timeout=30,
        check=False,  # gone already is what is wanted
    )


def apply(pid: int, commands: Sequence[str]) -> None:
    """Run `ip` commands in the network namespace of a process; LabError with what it said."""
    result = subprocess.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-"],
        input="\n".join(commands) + "\n",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if result.returncode != 0:
        raise LabError(f"ip: {result.stderr.strip()}")


def partitioned(pid: int) -> frozenset[str]:
    """The ports of the switch (in the namespace of that process) that lead nowhere."""
    result = subprocess.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-oneline", "link", "show", "type", "veth"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if result.returncode != 0:
        raise LabError(f"ip: {result.stderr.strip()}")
    lines = result.stdout.splitlines()
    return frozenset(line.split()[1].split("@")[0] for line in lines if " master " not in line)
