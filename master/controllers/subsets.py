"""What the Endpoints object of a service says: pure. The older form of endpoint slices.

Ports that lead to the same pods stand together in one subset, as Kubernetes packs them: pods a and
b with ports 80 and 443 are one subset, and if only b has 443 there are two. One object holds at
most MAX_ADDRESSES; what is beyond is left out, ready ones last, and an annotation says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address

from master.controllers.endpoints import HEADLESS_LABEL, PortKey, is_endpoint, target_ports
from master.controllers.ownership import copy_of, reference_to
from master.controllers.podstate import is_ready, is_terminating
from protos.core_v1_pb2 import EndpointAddress, Endpoints, EndpointSubset, Pod, Service

MAX_ADDRESSES = 1000
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"


def endpoints_of(service: Service, pods: Iterable[Pod], present: Endpoints | None) -> Endpoints:
    """The object as it should be, with what else is set in the present one."""
    made: Endpoints = copy_of(present) if present is not None else Endpoints()
    metadata = made.metadata
    metadata.name, metadata.namespace = service.metadata.name, service.metadata.namespace
    if present is None:
        metadata.owner_references.append(reference_to(service))
    metadata.labels.clear()
    metadata.labels.update(service.metadata.labels)
    if service.spec.cluster_ip == "None":
        metadata.labels[HEADLESS_LABEL] = ""
    del made.subsets[:]
    whole = list(_subsets(service, pods))
    kept = limited(whole)
    made.subsets.extend(kept)
    if kept == whole:
        metadata.annotations.pop(OVER_CAPACITY, None)
    else:
        metadata.annotations[OVER_CAPACITY] = "truncated"
    return made


def _subsets(service: Service, pods: Iterable[Pod]) -> Iterator[EndpointSubset]:
    by_port: dict[PortKey, list[Pod]] = {}
    for pod in pods:
        if not _shown(service, pod):
            continue
        keys: list[PortKey] = [(port,) for port in target_ports(service, pod)]
        if not service.spec.ports:
            keys.append(())  # a headless service may have none
        for key in keys:
            by_port.setdefault(key, []).append(pod)
    alike: dict[tuple[str, ...], list[PortKey]] = {}
    for key, members in by_port.items():
        alike.setdefault(tuple(sorted(pod.metadata.uid for pod in members)), []).append(key)
    for ports in sorted(alike.values()):
        yield _subset(service, ports, by_port[ports[0]])


def _shown(service: Service, pod: Pod) -> bool:
    ending = is_terminating(pod) and not service.spec.publish_not_ready_addresses
    return is_endpoint(pod) and not ending


def _subset(service: Service, ports: Sequence[PortKey], pods: Iterable[Pod]) -> EndpointSubset:
    made = EndpointSubset()
    for pod in sorted(pods, key=lambda pod: ip_address(pod.status.pod_ip)):
        good = is_ready(pod) or service.spec.publish_not_ready_addresses
        group = made.addresses if good else made.not_ready_addresses
        group.append(_address(service, pod))
    for key in ports:
        for name, protocol, number, app_protocol in key:
            port = made.ports.add(name=name, protocol=protocol, port=number)
            if app_protocol:
                port.app_protocol = app_protocol
    return made


def _address(service: Service, pod: Pod) -> EndpointAddress:
    made = EndpointAddress(ip=pod.status.pod_ip)
    if pod.spec.node_name:
        made.node_name = pod.spec.node_name
    if pod.spec.hostname and pod.spec.subdomain == service.metadata.name:
        made.hostname = pod.spec.hostname
    target = made.target_ref
    target.kind, target.namespace = "Pod", pod.metadata.namespace
    target.name, target.uid = pod.metadata.name, pod.metadata.uid
    return made


def limited(subsets: Sequence[EndpointSubset]) -> list[EndpointSubset]:
    """The first MAX_ADDRESSES addresses, ready ones before others; subsets left empty go."""
    kept = [EndpointSubset(ports=subset.ports) for subset in subsets]
    room = MAX_ADDRESSES
    for field in ("addresses", "not_ready_addresses"):
        for before, after in zip(subsets, kept, strict=True):
            chosen = getattr(before, field)[:room]
            getattr(after, field).extend(chosen)
            room -= len(chosen)
    return [subset for subset in kept if subset.addresses or subset.not_ready_addresses]


def count(endpoints: Endpoints) -> int:
    """How many addresses it shows."""
    return sum(len(s.addresses) + len(s.not_ready_addresses) for s in endpoints.subsets)
