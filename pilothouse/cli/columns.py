"""What `get` shows of each kind: Kubernetes' columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pilothouse.cli.ages import age
from pilothouse.cli.podsummary import pod_ready, pod_restarts, pod_status
from pilothouse.objects import kinds
from pilothouse.objects.kinds import Kind
from protos.apps_v1_pb2 import Deployment, ReplicaSet
from protos.coordination_v1_pb2 import Lease
from protos.core_v1_pb2 import ConfigMap, Event, Namespace, Node, Pod, Secret, Service
from protos.discovery_v1_pb2 import EndpointSlice
from protos.meta_v1_pb2 import LabelSelector

NONE = "<none>"


@dataclass(frozen=True, slots=True)
class Column:
    """`wide`: only with -o wide."""

    title: str
    value: Callable[[Any], str]
    wide: bool = False


def _name(obj: Any) -> str:
    return str(obj.metadata.name)


def _age(obj: Any) -> str:
    return age(obj.metadata.creation_timestamp)


NAME = Column("NAME", _name)
AGE = Column("AGE", _age)


def _images(containers: Iterable[Any]) -> str:
    return ",".join(container.image for container in containers) or NONE


def _names(containers: Iterable[Any]) -> str:
    return ",".join(container.name for container in containers) or NONE


def pairs(labels: Mapping[str, str]) -> str:
    """key=value,… in order, or <none>."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or NONE


def selector_text(selector: LabelSelector) -> str:
    """A label selector in one line."""
    parts = [f"{key}={value}" for key, value in sorted(selector.match_labels.items())]
    for rule in selector.match_expressions:
        values = f" ({','.join(rule.values)})" if rule.values else ""
        parts.append(f"{rule.key} {rule.operator.lower()}{values}")
    return ",".join(parts) or NONE


def _node_status(node: Node) -> str:
    ready = next((c.status for c in node.status.conditions if c.type == "Ready"), "Unknown")
    states = ["Ready" if ready == "True" else "NotReady"]
    if node.spec.unschedulable:
        states.append("SchedulingDisabled")
    return ",".join(states)


def _node_roles(node: Node) -> str:
    prefix = "node-role.kubernetes.io/"
    roles = [key.removeprefix(prefix) for key in node.metadata.labels if key.startswith(prefix)]
    return ",".join(sorted(roles)) or NONE


def _node_address(kind: str) -> Callable[[Node], str]:
    def address(node: Node) -> str:
        return next((a.address for a in node.status.addresses if a.type == kind), NONE)

    return address


def _ports(service: Service) -> str:
    def one(port: Any) -> str:
        number = f"{port.port}:{port.node_port}" if port.node_port else str(port.port)
        return f"{number}/{port.protocol or 'TCP'}"

    return ",".join(map(one, service.spec.ports)) or NONE


def _external(service: Service) -> str:
    spec = service.spec
    if spec.type == "ExternalName":
        return str(spec.external_name)
    given = [i.ip or i.hostname for i in service.status.load_balancer.ingress]
    addresses = [*given, *spec.external_ips]
    if addresses:
        return ",".join(addresses)
    return "<pending>" if spec.type == "LoadBalancer" else NONE


def _slice_endpoints(endpoint_slice: EndpointSlice) -> str:
    addresses = [a for e in endpoint_slice.endpoints for a in e.addresses]
    shown = ",".join(addresses[:3])
    more = len(addresses) - 3
    return (f"{shown} + {more} more..." if more > 0 else shown) or "<unset>"


def _slice_ports(endpoint_slice: EndpointSlice) -> str:
    return ",".join(str(port.port) for port in endpoint_slice.ports) or "<unset>"


def _event_time(event: Event) -> str:
    return age(event.last_timestamp if event.last_timestamp.seconds else event.first_timestamp)


def _event_object(event: Event) -> str:
    return f"{event.involved_object.kind.lower()}/{event.involved_object.name}"


_TABLES: dict[type[Any], Sequence[Column]] = {
    Pod: (
        NAME,
        Column("READY", pod_ready),
        Column("STATUS", pod_status),
        Column("RESTARTS", pod_restarts),
        AGE,
        Column("IP", lambda p: p.status.pod_ip or NONE, wide=True),
        Column("NODE", lambda p: p.spec.node_name or NONE, wide=True),
        Column("NOMINATED NODE", lambda p: p.status.nominated_node_name or NONE, wide=True),
        Column("READINESS GATES", lambda p: str(len(p.spec.readiness_gates) or NONE), wide=True),
    ),
    Node: (
        NAME,
        Column("STATUS", _node_status),
        Column("ROLES", _node_roles),
        AGE,
        Column("VERSION", lambda n: n.status.node_info.kubelet_version or NONE),
        Column("INTERNAL-IP", _node_address("InternalIP"), wide=True),
        Column("EXTERNAL-IP", _node_address("ExternalIP"), wide=True),
        Column("OS-IMAGE", lambda n: n.status.node_info.os_image or NONE, wide=True),
        Column("KERNEL-VERSION", lambda n: n.status.node_info.kernel_version or NONE, wide=True),
        Column(
            "CONTAINER-RUNTIME",
            lambda n: n.status.node_info.container_runtime_version or NONE,
            wide=True,
        ),
    ),
    Service: (
        NAME,
        Column("TYPE", lambda s: s.spec.type),
        Column("CLUSTER-IP", lambda s: s.spec.cluster_ip or NONE),
        Column("EXTERNAL-IP", _external),
        Column("PORT(S)", _ports),
        AGE,
        Column("SELECTOR", lambda s: pairs(s.spec.selector), wide=True),
    ),
    Deployment: (
        NAME,
        Column("READY", lambda d: f"{d.status.ready_replicas}/{d.spec.replicas}"),
        Column("UP-TO-DATE", lambda d: str(d.status.updated_replicas)),
        Column("AVAILABLE", lambda d: str(d.status.available_replicas)),
        AGE,
        Column("CONTAINERS", lambda d: _names(d.spec.template.spec.containers), wide=True),
        Column("IMAGES", lambda d: _images(d.spec.template.spec.containers), wide=True),
        Column("SELECTOR", lambda d: selector_text(d.spec.selector), wide=True),
    ),
    ReplicaSet: (
        NAME,
        Column("DESIRED", lambda r: str(r.spec.replicas)),
        Column("CURRENT", lambda r: str(r.status.replicas)),
        Column("READY", lambda r: str(r.status.ready_replicas)),
        AGE,
        Column("CONTAINERS", lambda r: _names(r.spec.template.spec.containers), wide=True),
        Column("IMAGES", lambda r: _images(r.spec.template.spec.containers), wide=True),
        Column("SELECTOR", lambda r: selector_text(r.spec.selector), wide=True),
    ),
    Namespace: (NAME, Column("STATUS", lambda n: n.status.phase), AGE),
    ConfigMap: (NAME, Column("DATA", lambda c: str(len(c.data) + len(c.binary_data))), AGE),
    Secret: (
        NAME,
        Column("TYPE", lambda s: s.type),
        Column("DATA", lambda s: str(len(s.data))),
        AGE,
    ),
    EndpointSlice: (
        NAME,
        Column("ADDRESSTYPE", lambda s: s.address_type),
        Column("PORTS", _slice_ports),
        Column("ENDPOINTS", _slice_endpoints),
        AGE,
    ),
    Lease: (NAME, Column("HOLDER", lambda lease: lease.spec.holder_identity), AGE),
    Event: (
        Column("LAST SEEN", _event_time),
        Column("TYPE", lambda e: e.type),
        Column("REASON", lambda e: e.reason),
        Column("OBJECT", _event_object),
        Column("SOURCE", lambda e: e.source.component, wide=True),
        Column("MESSAGE", lambda e: e.message.strip()),
        Column("COUNT", lambda e: str(e.count), wide=True),
        Column("NAME", _name, wide=True),
    ),
}


def columns_of(kind: Kind, *, wide: bool = False) -> list[Column]:
    """The columns of a kind; name and age where nothing better is known."""
    table = _TABLES.get(kind.message, (NAME, AGE))
    return [column for column in table if wide or not column.wide]


def table(
    kind: Kind,
    objects: Sequence[Any],
    *,
    wide: bool = False,
    with_namespace: bool = False,
    with_kind: bool = False,
    with_labels: bool = False,
) -> list[list[str]]:
    """Rows of cells, the titles first."""
    shown = columns_of(kind, wide=wide)
    if with_labels:
        shown.append(Column("LABELS", lambda obj: pairs(obj.metadata.labels)))
    if with_namespace and kind.namespaced:
        shown.insert(0, Column("NAMESPACE", lambda obj: obj.metadata.namespace))
    rows = [[column.title for column in shown]]
    for obj in objects:
        row = [column.value(obj) for column in shown]
        if with_kind:
            index = next((i for i, c in enumerate(shown) if c.title == "NAME"), None)
            if index is not None:
                prefix = f"{kind.singular}.{kind.group}" if kind.group else kind.singular
                row[index] = f"{prefix}/{row[index]}"
        rows.append(row)
    return rows


def aligned(rows: Sequence[Sequence[str]], widths: list[int] | None = None) -> list[str]:
    """Lines with columns three blanks apart; `widths` grows and is kept between calls."""
    widths = widths if widths is not None else []
    for row in rows:
        widths.extend([0] * (len(row) - len(widths)))
        for index, cell in enumerate(row):
            widths[index] = max(widths[index], len(cell))
    return [
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]


def kind_of(obj: Any) -> Kind:
    """The kind of an object."""
    return kinds.of(obj)
