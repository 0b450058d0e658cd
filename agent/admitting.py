"""Whether this node takes a pod that was assigned to it: pure.

The scheduler asks first, but not everybody asks the scheduler: a pod may name its node itself.
What does not fit, claims a taken port of the host, or sets a kernel parameter that is not the
pod's own fails at once, with Kubernetes' words (pkg/kubelet/lifecycle, pkg/kubelet/sysctl). A pod
that was taken once stays taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from agent.lifecycle.view import Ruling
from pilothouse.objects.demands import pod_amounts, pod_host_ports, ports_clash
from protos.core_v1_pb2 import Pod

# Kernel parameters of a pod's own namespaces that disturb nobody else, of Kubernetes 1.32.
SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
# Which of a pod's namespaces holds the parameter; others are the whole machine's.
_OF_IPC = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")
_OF_NETWORK = ("net.",)
_COUNTED = ("cpu", "memory", "ephemeral-storage", "pods")


def refusal(
    pod: Pod,
    others: Sequence[Pod],
    allocatable: Mapping[str, int],
    unsafe_sysctls: Iterable[str] = (),
) -> Ruling | None:
    """Why the node does not take the pod beside the others; None: it does.

    allocatable is in the units of pilothouse.objects.demands; what it does not name is not
    counted. unsafe_sysctls: names that are allowed as well, a last "*" for any end.
    """
    return (
        _system(pod)
        or _sysctls(pod, tuple(unsafe_sysctls))
        or _amounts(pod, others, allocatable)
        or _ports(pod, others)
    )


def _system(pod: Pod) -> Ruling | None:
    if pod.spec.os.name in ("", "linux"):
        return None
    text = "Failed to admit pod as the OS field doesn't match node OS"
    return Ruling("PodOSNotSupported", text)


def _sysctls(pod: Pod, allowed: tuple[str, ...]) -> Ruling | None:
    spec = pod.spec
    for sysctl in spec.security_context.sysctls:
        name = sysctl_name(sysctl.name)
        why = ""
        if spec.host_network and name.startswith(_OF_NETWORK):
            why = "not allowed with host net enabled"
        elif spec.host_ipc and name.startswith(_OF_IPC):
            why = "not allowed with host ipc enabled"
        elif name not in SAFE_SYSCTLS and not _is_allowed(name, allowed):
            why = "not allowlisted"
        if why:
            return Ruling("SysctlForbidden", f'forbidden sysctl: "{name}" {why}')
    return None


def sysctl_name(text: str) -> str:
    """The name with dots; one whose first separator is a slash has them exchanged."""
    first = next((letter for letter in text if letter in "./"), "")
    return text.translate(str.maketrans("/.", "./")) if first == "/" else text


def _is_allowed(name: str, allowed: tuple[str, ...]) -> bool:
    # What no namespace holds would be set for the whole machine: no setting allows that.
    if not name.startswith((*_OF_IPC, *_OF_NETWORK)):
        return False
    return any(
        name.startswith(each[:-1]) if each.endswith("*") else name == each for each in allowed
    )


def _amounts(pod: Pod, others: Sequence[Pod], allocatable: Mapping[str, int]) -> Ruling | None:
    if not allocatable:
        return None
    wanted = pod_amounts(pod)
    taken = [pod_amounts(other) for other in others]
    for name in _COUNTED:
        asked = wanted.get(name, 0)
        used = sum(amounts.get(name, 0) for amounts in taken)
        if asked and name in allocatable and used + asked > allocatable[name]:
            return Ruling(
                f"OutOf{name}",
                f"Node didn't have enough resource: {name}, requested: {asked}, used: {used}, "
                f"capacity: {allocatable[name]}",
            )
    return None


def _ports(pod: Pod, others: Sequence[Pod]) -> Ruling | None:
    wanted = pod_host_ports(pod)
    taken = [port for other in others for port in pod_host_ports(other)] if wanted else []
    if any(ports_clash(one, other) for one in wanted for other in taken):
        text = "node(s) didn't have free ports for the requested pod ports"
        return Ruling("NodePorts", f"Predicate NodePorts failed: {text}")
    return None
