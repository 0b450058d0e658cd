"""How each kind is described: labelled lines, nested by two blanks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

from pilothouse.cli.ages import age
from pilothouse.cli.columns import aligned
from pilothouse.objects import codec, kinds
from pilothouse.objects.manifest import dump_yaml
from pilothouse.objects.quantity import Quantity
from pilothouse.objects.time import time_text
from pilothouse.printing.cells import selector, text
from pilothouse.printing.events import interval, source
from pilothouse.printing.pods import pod_status
from protos.apps_v1_pb2 import Deployment, ReplicaSet
from protos.core_v1_pb2 import (
    ConfigMap,
    Container,
    ContainerState,
    ContainerStatus,
    Event,
    Node,
    Pod,
    Secret,
    Service,
)

NONE = "<none>"
PLAIN = -1  # the depth of lines without a label
SYSTEM_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration",)


class Description:
    """Collects lines."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, str, str]] = []

    def line(self, label: str, value: object = "", *, depth: int = 0) -> None:
        """`label:   value`, indented."""
        self._lines.append((depth, f"{label}:", str(value)))

    def mapping(self, label: str, values: Mapping[str, str], *, depth: int = 0) -> None:
        """key=value, one a line."""
        shown = [f"{key}={value}" for key, value in sorted(values.items())]
        self.line(label, shown[0] if shown else NONE, depth=depth)
        self._lines += [(depth, "", more) for more in shown[1:]]

    def rows(self, label: str, rows: Sequence[Sequence[str]]) -> None:
        """A table below a label."""
        self.line(label, NONE if len(rows) < 2 else "")
        if len(rows) >= 2:
            self._lines += [(1, "", line) for line in aligned(rows)]

    def plain(self, text: str) -> None:
        """A line that stands as it is."""
        self._lines.append((PLAIN, "", text))

    def text_line(self, text: str) -> None:
        """A line of content, below an entry."""
        self._lines.append((2, "", text))

    def events(self, events: Sequence[Event]) -> None:
        """The events as a table."""
        rows = [["Type", "Reason", "Age", "From", "Message"]]
        for event in events:
            when = interval(event, time.time())
            rows.append(
                [event.type, event.reason, when, source(event), text(event.message.strip())]
            )
        self.rows("Events", rows)

    def text(self) -> str:
        """Everything, values of one depth in one column."""
        widths: dict[int, int] = {}
        for depth, label, _ in self._lines:
            widths[depth] = max(widths.get(depth, 0), len(label))
        lines = []
        for depth, label, value in self._lines:
            unaligned = not label and depth in (PLAIN, 1)
            text = value if unaligned else f"{label:<{widths[depth]}}  {value}"
            lines.append(("  " * depth + text).rstrip())
        return "\n".join(lines) + "\n"


def describe_object(out: Description, obj: Any, related: Sequence[Any]) -> None:
    """Name, labels and annotations, then what is particular to the kind."""
    metadata = obj.metadata
    out.line("Name", metadata.name)
    if kinds.of(obj).namespaced:
        out.line("Namespace", metadata.namespace)
    out.mapping("Labels", metadata.labels)
    shown = {k: v for k, v in metadata.annotations.items() if k not in SYSTEM_ANNOTATIONS}
    out.mapping("Annotations", shown)
    out.line(
        "Created",
        f"{time_text(metadata.creation_timestamp)} ({age(metadata.creation_timestamp)} ago)",
    )
    if metadata.HasField("deletion_timestamp"):
        grace = metadata.deletion_grace_period_seconds
        out.line("Status", f"Terminating (grace period {grace} s)")
    for owner in metadata.owner_references:
        if owner.controller:
            out.line("Controlled By", f"{owner.kind}/{owner.name}")
    _describe(obj, out, related)


@singledispatch
def _describe(obj: Any, out: Description, related: Sequence[Any]) -> None:
    """Kinds without a description of their own: their YAML."""
    document = codec.to_json(obj)
    for key in ("apiVersion", "kind", "metadata"):
        document.pop(key, None)
    for line in dump_yaml(document).splitlines() if document else []:
        out.plain(line)


@_describe.register
def _(pod: Pod, out: Description, related: Sequence[Any]) -> None:
    status = pod.status
    out.line("Node", f"{pod.spec.node_name}/{status.host_ip}" if pod.spec.node_name else NONE)
    out.line("Service Account", pod.spec.service_account_name or NONE)
    out.line("Status", pod_status(pod))
    if status.reason:
        out.line("Reason", status.reason)
    if status.message:
        out.line("Message", status.message)
    out.line("IP", status.pod_ip or NONE)
    out.line("QoS Class", status.qos_class or NONE)
    for label, containers, statuses in (
        ("Init Containers", pod.spec.init_containers, status.init_container_statuses),
        ("Containers", pod.spec.containers, status.container_statuses),
    ):
        if containers:
            out.line(label)
        found = {s.name: s for s in statuses}
        for container in containers:
            _container(out, container, found.get(container.name))
    out.rows("Conditions", _conditions(status.conditions))
    out.mapping("Node-Selectors", pod.spec.node_selector)
    tolerations = [_toleration(t) for t in pod.spec.tolerations]
    out.line("Tolerations", "; ".join(tolerations) or NONE)
    out.line("Volumes", ", ".join(v.name for v in pod.spec.volumes) or NONE)


def _toleration(toleration: Any) -> str:
    text = toleration.key or "*"
    if toleration.effect:
        text += f":{toleration.effect}"
    text += " op=Exists" if toleration.operator == "Exists" else f"={toleration.value}"
    if toleration.HasField("toleration_seconds"):
        text += f" for {toleration.toleration_seconds}s"
    return text


def _container(out: Description, container: Container, status: ContainerStatus | None) -> None:
    out.line(container.name, depth=1)
    out.line("Image", container.image, depth=2)
    if status is not None and status.container_id:
        out.line("Container ID", status.container_id, depth=2)
    ports = ", ".join(f"{p.container_port}/{p.protocol or 'TCP'}" for p in container.ports)
    if ports:
        out.line("Ports", ports, depth=2)
    if container.command:
        out.line("Command", " ".join(container.command), depth=2)
    if container.args:
        out.line("Args", " ".join(container.args), depth=2)
    for label, amounts in (
        ("Requests", container.resources.requests),
        ("Limits", container.resources.limits),
    ):
        if amounts:
            shown = ", ".join(f"{key} {q.string}" for key, q in sorted(amounts.items()))
            out.line(label, shown, depth=2)
    if status is not None:
        out.line("State", _state(status.state), depth=2)
        if status.last_state.HasField("terminated"):
            out.line("Last State", _state(status.last_state), depth=2)
        out.line("Ready", status.ready, depth=2)
        out.line("Restart Count", status.restart_count, depth=2)
    for label, probe in (
        ("Liveness", container.liveness_probe),
        ("Readiness", container.readiness_probe),
        ("Startup", container.startup_probe),
    ):
        if probe.ByteSize():
            out.line(label, _probe(probe), depth=2)


def _probe(probe: Any) -> str:
    kind = probe.probe_handler
    if kind.HasField("http_get"):
        port = kind.http_get.port
        what = f"http-get :{port.str_val or port.int_val}{kind.http_get.path}"
    elif kind.HasField("tcp_socket"):
        port = kind.tcp_socket.port
        what = f"tcp-socket :{port.str_val or port.int_val}"
    elif kind.HasField("grpc"):
        what = f"grpc :{kind.grpc.port}"
    else:
        what = f"exec {' '.join(kind.exec.command)}"
    return (
        f"{what} delay={probe.initial_delay_seconds}s timeout={probe.timeout_seconds}s "
        f"period={probe.period_seconds}s #success={probe.success_threshold} "
        f"#failure={probe.failure_threshold}"
    )


def _state(state: ContainerState) -> str:
    match _state_name(state):
        case "running":
            return f"Running since {time_text(state.running.started_at)}"
        case "terminated":
            ended = state.terminated
            text = f"Terminated: {ended.reason} (exit code {ended.exit_code})"
            return f"{text}: {ended.message}" if ended.message else text
        case "waiting":
            waiting = state.waiting
            return f"Waiting: {waiting.reason}" + (
                f": {waiting.message}" if waiting.message else ""
            )
    return "Waiting"


def _state_name(state: ContainerState) -> str:
    return next((n for n in ("running", "terminated", "waiting") if state.HasField(n)), "")


def _conditions(conditions: Sequence[Any]) -> list[list[str]]:
    rows = [["Type", "Status", "Reason", "Message"]]
    return rows + [[c.type, c.status, c.reason or "-", c.message] for c in conditions]


@_describe.register
def _(node: Node, out: Description, related: Sequence[Any]) -> None:
    out.line("Unschedulable", str(node.spec.unschedulable).lower())
    taints = [
        f"{t.key}={t.value}:{t.effect}" if t.value else f"{t.key}:{t.effect}"
        for t in node.spec.taints
    ]
    out.line("Taints", ", ".join(taints) or NONE)
    out.line("Pod CIDR", node.spec.pod_cidr or NONE)
    out.rows("Conditions", _conditions(node.status.conditions))
    out.rows(
        "Addresses", [["Type", "Address"], *([a.type, a.address] for a in node.status.addresses)]
    )
    used = _requested(related)
    rows = [["Resource", "Capacity", "Allocatable", "Requested"]]
    for name, quantity in sorted(node.status.capacity.items()):
        allocatable = (
            node.status.allocatable[name].string if name in node.status.allocatable else "0"
        )
        rows.append([name, quantity.string, allocatable, str(used.get(name, 0))])
    out.rows("Resources", rows)
    info = node.status.node_info
    out.line("OS Image", info.os_image)
    out.line("Kernel", info.kernel_version)
    out.line("Container Runtime", info.container_runtime_version)
    out.line("Agent", info.kubelet_version)
    pods = [["Namespace", "Name", "Status", "Age"]]
    for pod in related:
        created = age(pod.metadata.creation_timestamp)
        pods.append([pod.metadata.namespace, pod.metadata.name, pod_status(pod), created])
    out.rows("Pods", pods)


def _requested(pods: Sequence[Pod]) -> dict[str, Quantity]:
    total: dict[str, Quantity] = {}
    for pod in pods:
        if pod.status.phase in ("Succeeded", "Failed"):
            continue
        for container in pod.spec.containers:
            for name, quantity in container.resources.requests.items():
                amount = Quantity.parse(quantity.string)
                total[name] = total[name] + amount if name in total else amount
    total["pods"] = Quantity.of(len(pods))
    return total


@_describe.register
def _(service: Service, out: Description, related: Sequence[Any]) -> None:
    spec = service.spec
    out.mapping("Selector", spec.selector)
    out.line("Type", spec.type)
    out.line("IP", ", ".join(spec.cluster_ips) or spec.cluster_ip or NONE)
    for port in spec.ports:
        target = port.target_port.str_val or port.target_port.int_val or port.port
        node_port = f", node port {port.node_port}" if port.node_port else ""
        out.line(
            "Port", f"{port.name or '<unset>'} {port.port}/{port.protocol} → {target}{node_port}"
        )
    out.line("Session Affinity", spec.session_affinity)
    endpoints = [
        f"{endpoint.addresses[0]}:{port.port}"
        + ("" if endpoint.conditions.ready else " (not ready)")
        for endpoint_slice in related
        for endpoint in endpoint_slice.endpoints
        for port in endpoint_slice.ports
    ]
    out.line("Endpoints", ", ".join(endpoints) or NONE)


@_describe.register
def _(deployment: Deployment, out: Description, related: Sequence[Any]) -> None:
    spec, status = deployment.spec, deployment.status
    out.line("Selector", selector(spec.selector))
    out.line(
        "Replicas",
        f"{spec.replicas} desired | {status.updated_replicas} updated | {status.replicas} total | "
        f"{status.available_replicas} available | {status.unavailable_replicas} unavailable",
    )
    out.line("Strategy", spec.strategy.type)
    if spec.strategy.HasField("rolling_update"):
        rolling = spec.strategy.rolling_update
        surge = rolling.max_surge.str_val or rolling.max_surge.int_val
        unavailable = rolling.max_unavailable.str_val or rolling.max_unavailable.int_val
        out.line("RollingUpdate", f"{unavailable} max unavailable, {surge} max surge")
    _template(out, spec.template.spec.containers)
    out.rows("Conditions", _conditions(status.conditions))
    rows = [["Revision", "Name", "Replicas", "Images"]]
    for rs in sorted(related, key=_revision):
        images = ",".join(container.image for container in rs.spec.template.spec.containers)
        replicas = f"{rs.status.replicas}/{rs.spec.replicas}"
        rows.append([str(_revision(rs)), rs.metadata.name, replicas, images])
    out.rows("Replica Sets", rows)


def _revision(replica_set: ReplicaSet) -> int:
    return int(replica_set.metadata.annotations.get("deployment.kubernetes.io/revision", "0"))


@_describe.register
def _(replica_set: ReplicaSet, out: Description, related: Sequence[Any]) -> None:
    spec, status = replica_set.spec, replica_set.status
    out.line("Selector", selector(spec.selector))
    out.line(
        "Replicas",
        f"{status.replicas} current / {spec.replicas} desired, {status.ready_replicas} ready",
    )
    _template(out, spec.template.spec.containers)


def _template(out: Description, containers: Sequence[Container]) -> None:
    out.line("Containers")
    for container in containers:
        _container(out, container, None)


@_describe.register
def _(config_map: ConfigMap, out: Description, related: Sequence[Any]) -> None:
    out.line("Data")
    for key, value in sorted(config_map.data.items()):
        out.line(key, "", depth=1)
        for line in value.splitlines():
            out.text_line(line)
    for key, data in sorted(config_map.binary_data.items()):
        out.line(key, f"{len(data)} bytes", depth=1)


@_describe.register
def _(secret: Secret, out: Description, related: Sequence[Any]) -> None:
    out.line("Type", secret.type)
    out.line("Data", "" if secret.data else NONE)
    for key, data in sorted(secret.data.items()):
        out.line(key, f"{len(data)} bytes", depth=1)
