"""What one pod asks of a node, parsed once from the pod."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pilothouse.objects.demands import CPU, MEMORY, HostPort, pod_amounts, pod_host_ports
from protos.core_v1_pb2 import Pod, Toleration

# What a pod without requests counts for in scores (not in filters), so that such pods spread
# out as well: 100 millicores and 200 MB, Kubernetes' figures.
WEIGHED_CPU = 100
WEIGHED_MEMORY = 200 * 1024 * 1024

PodKey = tuple[str, str]  # namespace, name


@dataclass(frozen=True, slots=True)
class Request:
    """A pod as the scheduler sees it.

    `amounts` always holds pods: 1. `weighed` is (cpu, memory) for scores. `group` is the UID of
    the controller that owns the pod; pods of a group are spread. `template` is equal for pods
    that every filter and score must treat alike.
    """

    key: PodKey
    uid: str
    priority: int
    amounts: Mapping[str, int]
    weighed: tuple[int, int]
    host_ports: tuple[HostPort, ...]
    group: str
    node_selector: Mapping[str, str]
    tolerations: tuple[Toleration, ...]
    pod: Pod
    template: bytes


def controller_uid(pod: Pod) -> str:
    """The UID of the owner that controls the pod, or ""."""
    for owner in pod.metadata.owner_references:
        if owner.controller:
            return owner.uid
    return ""


def request_of(pod: Pod) -> Request:
    """Parse a pod that admission has defaulted and validated."""
    spec = pod.spec
    amounts = pod_amounts(pod)
    host_ports = pod_host_ports(pod)
    group = controller_uid(pod)
    selector = dict(spec.node_selector)
    return Request(
        key=(pod.metadata.namespace, pod.metadata.name),
        uid=pod.metadata.uid,
        priority=spec.priority,
        amounts=amounts,
        weighed=(amounts.get(CPU) or WEIGHED_CPU, amounts.get(MEMORY) or WEIGHED_MEMORY),
        host_ports=host_ports,
        group=group,
        node_selector=selector,
        tolerations=tuple(spec.tolerations),
        pod=pod,
        template=_template(pod, amounts, host_ports, group, selector),
    )


def _template(
    pod: Pod,
    amounts: Mapping[str, int],
    host_ports: tuple[HostPort, ...],
    group: str,
    selector: Mapping[str, str],
) -> bytes:
    spec = pod.spec
    parts = [
        group,
        repr(sorted(amounts.items())),
        repr(host_ports),
        repr(sorted(selector.items())),
    ]
    messages = [spec.affinity, *spec.tolerations, *spec.topology_spread_constraints]
    text = "\0".join(parts).encode()
    constrained = [m.SerializeToString(deterministic=True) for m in messages]
    if spec.HasField("affinity") or spec.topology_spread_constraints:
        # Inter-pod rules look at the pod's own labels and namespace as well.
        constrained.append(pod.metadata.namespace.encode())
        constrained.append(repr(sorted(pod.metadata.labels.items())).encode())
    return text + b"\1" + b"\1".join(constrained)
