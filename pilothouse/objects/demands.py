"""What a pod takes from a node: amounts of its resources, and ports of the host.

Resource amounts are whole numbers: millicores for cpu, bytes or counts for the rest. A pod's
request is the larger of what its containers need together and what any init container needs
while it runs (sidecars before it included), plus the overhead; Kubernetes, "Resource
sharing within containers".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pilothouse.objects.quantity import Quantity as Amount
from protos.core_v1_pb2 import Container, Pod
from protos.scalars_pb2 import Quantity

CPU = "cpu"
MEMORY = "memory"
PODS = "pods"

HostPort = tuple[str, str, int]  # address ("" = all), protocol, port


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
