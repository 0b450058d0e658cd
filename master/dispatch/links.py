"""Which services a pod's node is told of, and what of them: pure.

A container finds the services of its namespace in its environment (enableServiceLinks), and the
one by which the master is reached in any case. Its node needs their names, addresses and ports for
that, and is told no more; services without an address of their own are in no environment.
"""

from __future__ import annotations

from master.dispatch.references import Name
from protos.core_v1_pb2 import Pod, Service, ServicePort

SERVICES = "services"
MASTER = Name(SERVICES, "default", "kubernetes")


def of_namespace(namespace: str) -> Name:
    """Stands for all services of a namespace."""
    return Name(SERVICES, namespace, "")


def seen_by(pod: Pod) -> frozenset[Name]:
    """What the pod sees of services."""
    spec = pod.spec
    links = spec.enable_service_links or not spec.HasField("enable_service_links")
    return frozenset((MASTER, of_namespace(pod.metadata.namespace)) if links else (MASTER,))


def told_of(service: Service) -> Service | None:
    """The part that a node may know; None: there is nothing to tell."""
    if service.spec.cluster_ip in ("", "None"):
        return None
    made = Service()
    source, metadata = service.metadata, made.metadata
    metadata.name, metadata.namespace = source.name, source.namespace
    metadata.uid, metadata.resource_version = source.uid, source.resource_version
    made.spec.cluster_ip = service.spec.cluster_ip
    for port in service.spec.ports:
        made.spec.ports.append(ServicePort(name=port.name, port=port.port, protocol=port.protocol))
    return made


def is_same(known: Service, new: Service) -> bool:
    """Nothing changed that a node is told of."""
    return known.metadata.uid == new.metadata.uid and known.spec == new.spec
