"""Which endpoint slices a service shall have: pure, and with as few changes as possible.

Pods whose named ports resolve alike share slices of at most SLICE_SIZE endpoints. An endpoint
stays in the slice that it is in; new ones fill the gaps, and only what is left over makes a new
slice. So one pod's change is one slice's change, however large the service is.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from master.controllers.ownership import copy_of, reference_to
from master.controllers.podstate import is_ready, is_terminating
from protos.core_v1_pb2 import Node, Pod, Service
from protos.discovery_v1_pb2 import Endpoint, EndpointPort, EndpointSlice

SLICE_SIZE = 100
SERVICE_LABEL = "kubernetes.io/service-name"
MANAGER_LABEL = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
HEADLESS_LABEL = "service.kubernetes.io/headless"
ZONE_LABEL = "topology.kubernetes.io/zone"

PortKey = tuple[tuple[str, str, int, str], ...]  # name, protocol, port, app protocol


@dataclass(frozen=True, slots=True)
class SlicePlan:
    """What to write; nothing where all is as it should be."""

    create: tuple[EndpointSlice, ...]
    update: tuple[EndpointSlice, ...]
    delete: tuple[EndpointSlice, ...]


def has_endpoints(service: Service) -> bool:
    """The service selects pods, so this controller makes its slices."""
    return bool(service.spec.selector) and service.spec.type != "ExternalName"


def target_ports(service: Service, pod: Pod) -> PortKey:
    """The pod's ports behind the service's; a named port the pod lacks is left out."""
    found = []
    for port in service.spec.ports:
        target = port.target_port
        if target.type == 1:
            number = _named_port(pod, target.str_val, port.protocol)
        else:
            number = target.int_val or port.port
        if number:
            found.append((port.name, port.protocol, number, port.app_protocol))
    return tuple(found)


def _named_port(pod: Pod, name: str, protocol: str) -> int:
    sidecars = (c for c in pod.spec.init_containers if c.restart_policy == "Always")
    for container in (*pod.spec.containers, *sidecars):
        for port in container.ports:
            if port.name == name and (port.protocol or "TCP") == protocol:
                number: int = port.container_port
                return number
    return 0


def is_endpoint(pod: Pod) -> bool:
    """The pod has an address and has not ended."""
    return bool(pod.status.pod_ip) and pod.status.phase not in ("Succeeded", "Failed")


def endpoint_of(service: Service, pod: Pod, node: Node | None) -> Endpoint:
    """A pod as an endpoint: ready and not ending, or published in any case."""
    endpoint = Endpoint(addresses=[pod.status.pod_ip])
    published = service.spec.publish_not_ready_addresses
    serving = published or is_ready(pod)
    endpoint.conditions.serving = serving
    endpoint.conditions.terminating = is_terminating(pod)
    endpoint.conditions.ready = serving and (published or not is_terminating(pod))
    if pod.spec.node_name:
        endpoint.node_name = pod.spec.node_name
    zone = node.metadata.labels.get(ZONE_LABEL, "") if node is not None else ""
    if zone:
        endpoint.zone = zone
    if pod.spec.hostname and pod.spec.subdomain == service.metadata.name:
        endpoint.hostname = pod.spec.hostname
    target = endpoint.target_ref
    target.kind, target.namespace = "Pod", pod.metadata.namespace
    target.name, target.uid = pod.metadata.name, pod.metadata.uid
    return endpoint


def plan_slices(
    service: Service,
    endpoints: Iterable[tuple[PortKey, Endpoint]],
    existing: Sequence[EndpointSlice],
) -> SlicePlan:
    """From the slices there are to the ones that show these endpoints."""
    wanted: dict[PortKey, dict[str, Endpoint]] = {}
    for ports, endpoint in endpoints:
        wanted.setdefault(ports, {})[endpoint.target_ref.uid] = endpoint
    kept: dict[PortKey, list[EndpointSlice]] = {}
    delete = []
    for present in sorted(existing, key=lambda s: s.metadata.name):
        ports = _ports_of(present)
        if ports in wanted and not present.metadata.HasField("deletion_timestamp"):
            kept.setdefault(ports, []).append(present)
        else:
            delete.append(present)
    create: list[EndpointSlice] = []
    update: list[EndpointSlice] = []
    for ports, members in wanted.items():
        changed, made, emptied = _fill(service, ports, members, kept.get(ports, []))
        update += changed
        create += made
        delete += emptied
    return SlicePlan(tuple(create), tuple(update), tuple(delete))


def _fill(
    service: Service,
    ports: PortKey,
    members: dict[str, Endpoint],
    present: Sequence[EndpointSlice],
) -> tuple[list[EndpointSlice], list[EndpointSlice], list[EndpointSlice]]:
    left = dict(members)
    rest = []
    for before in present:
        after: EndpointSlice = copy_of(before)
        _label(after, service)
        del after.endpoints[:]
        after.endpoints.extend(
            left.pop(e.target_ref.uid) for e in before.endpoints if e.target_ref.uid in left
        )
        rest.append((before, after))
    new = sorted(left.values(), key=lambda e: e.target_ref.name)
    for _, after in rest:
        room = SLICE_SIZE - len(after.endpoints)
        after.endpoints.extend(new[:room])
        new = new[room:]
    emptied = [before for before, after in rest if not after.endpoints]
    changed = [after for before, after in rest if after.endpoints and after != before]
    names = _free_names(service, ports, {before.metadata.name for before in present})
    made = [
        _new_slice(service, next(names), ports, new[start : start + SLICE_SIZE])
        for start in range(0, len(new), SLICE_SIZE)
    ]
    return changed, made, emptied


def _free_names(service: Service, ports: PortKey, taken: Set[str]) -> Iterator[str]:
    """Names follow from the service and its ports, so that a slice made twice, because the first
    is not seen yet, is refused by the API the second time."""
    for number in itertools.count():
        content = repr((service.metadata.uid, ports, number)).encode()
        name = f"{service.metadata.name}-{hashlib.sha256(content).hexdigest()[:8]}"
        if name not in taken:
            yield name


def _new_slice(
    service: Service, name: str, ports: PortKey, endpoints: Sequence[Endpoint]
) -> EndpointSlice:
    made = EndpointSlice(address_type="IPv4")
    made.metadata.name = name
    made.metadata.namespace = service.metadata.namespace
    made.metadata.owner_references.append(reference_to(service))
    _label(made, service)
    made.endpoints.extend(endpoints)
    for name, protocol, number, app_protocol in ports:
        port = EndpointPort(name=name, protocol=protocol, port=number)
        if app_protocol:
            port.app_protocol = app_protocol
        made.ports.append(port)
    return made


def _label(target: EndpointSlice, service: Service) -> None:
    labels = dict(service.metadata.labels)
    labels[SERVICE_LABEL] = service.metadata.name
    labels[MANAGER_LABEL] = MANAGER
    if service.spec.cluster_ip == "None":
        labels[HEADLESS_LABEL] = ""
    target.metadata.labels.clear()
    target.metadata.labels.update(labels)


def _ports_of(present: EndpointSlice) -> PortKey:
    return tuple((p.name, p.protocol, p.port, p.app_protocol) for p in present.ports)
