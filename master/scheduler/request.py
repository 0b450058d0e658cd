"""What one pod asks of a node, parsed once from the pod.

Resource amounts are whole numbers: millicores for cpu, bytes or counts for the rest. A pod's
request is the larger of what its containers need together and what any init container needs
while it runs (sidecars before it included), plus the overhead; Kubernetes, "Resource
sharing within containers".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pilothouse.objects.quantity import Quantity as Amount
from protos.core_v1_pb2 import Container, Pod, Toleration
from protos.scalars_pb2 import Quantity

CPU = "cpu"
MEMORY = "memory"
PODS = "pods"

# What a pod without requests counts for in scores (not in filters), so that such pods spread
# out as well: 100 millicores and 200 MB, Kubernetes' figures.
WEIGHED_CPU = 100
WEIGHED_MEMORY = 200 * 1024 * 1024

PodKey = tuple[str, str]  # namespace, name
HostPort = tuple[str, str, int]  # address ("" = all), protocol, port


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


def amount(name: str, quantity: Quantity) -> int:
    """A quantity of a resource in the scheduler's unit, rounded up."""
    parsed = Amount.parse(quantity.string)
    return parsed.milli() if name == CPU else parsed.value()


def requested(container: Container) -> dict[str, int]:
    """A container's requests."""
    return {name: amount(name, q) for name, q in container.resources.requests.items()}


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, value in more.items():
        total[name] = total.get(name, 0) + value


def _raise_to(total: dict[str, int], least: Mapping[str, int]) -> None:
    for name, value in least.items():
        if value > total.get(name, 0):
            total[name] = value


def pod_amounts(pod: Pod) -> dict[str, int]:
    """What the whole pod takes from a node, `pods` included."""
    running: dict[str, int] = {}
    for container in pod.spec.containers:
        _add(running, requested(container))
    sidecars: dict[str, int] = {}
    starting: dict[str, int] = {}
    for container in pod.spec.init_containers:
        need = requested(container)
        if container.restart_policy == "Always":
            _add(sidecars, need)
            _raise_to(starting, sidecars)
        else:
            _add(need, sidecars)
            _raise_to(starting, need)
    _add(running, sidecars)
    _raise_to(running, starting)
    _add(running, {name: amount(name, q) for name, q in pod.spec.overhead.items()})
    running[PODS] = 1
    return running


def pod_host_ports(pod: Pod) -> tuple[HostPort, ...]:
    """The ports of the node that the pod's containers claim."""
    ports = (port for container in _long_running(pod) for port in container.ports)
    return tuple(
        ("" if p.host_ip in ("0.0.0.0", "::") else p.host_ip, p.protocol or "TCP", p.host_port)  # noqa: S104 - "all addresses" in a manifest, not a socket
        for p in ports
        if p.host_port
    )


def _long_running(pod: Pod) -> Iterable[Container]:
    yield from pod.spec.containers
    yield from (c for c in pod.spec.init_containers if c.restart_policy == "Always")


def ports_clash(one: HostPort, other: HostPort) -> bool:
    """Both cannot be bound on one node."""
    same_address = one[0] == other[0] or "" in (one[0], other[0])
    return same_address and one[1:] == other[1:]


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
