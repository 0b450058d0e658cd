"""Nodes and pods for the scheduler's tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from master.scheduler.placement import Placement
from master.scheduler.request import Request, request_of
from master.scheduler.snapshot import Snapshot
from protos.core_v1_pb2 import Node, Pod, Taint, Toleration


def node(
    name: str,
    *,
    cpu: str = "4",
    memory: str = "8Gi",
    pods: str = "10",
    labels: Mapping[str, str] | None = None,
    taints: Sequence[Taint] = (),
    unschedulable: bool = False,
    extra: Mapping[str, str] | None = None,
) -> Node:
    made = Node()
    made.metadata.name = name
    made.metadata.labels.update({"kubernetes.io/hostname": name, **(labels or {})})
    for resource, amount in {"cpu": cpu, "memory": memory, "pods": pods, **(extra or {})}.items():
        made.status.allocatable[resource].string = amount
    made.spec.taints.extend(taints)
    made.spec.unschedulable = unschedulable
    return made


def pod(
    name: str,
    *,
    cpu: str = "",
    memory: str = "",
    labels: Mapping[str, str] | None = None,
    owner: str = "",
    selector: Mapping[str, str] | None = None,
    tolerations: Sequence[Toleration] = (),
    host_ports: Sequence[int] = (),
    priority: int = 0,
    uid: str = "",
    on: str = "",
) -> Pod:
    made = Pod()
    made.metadata.name, made.metadata.namespace = name, "default"
    made.metadata.uid = uid or f"uid-{name}"
    made.metadata.labels.update(labels or {})
    if owner:
        made.metadata.owner_references.add(uid=owner, kind="ReplicaSet", controller=True)
    container = made.spec.containers.add(name="main", image="app")
    for resource, amount in (("cpu", cpu), ("memory", memory)):
        if amount:
            container.resources.requests[resource].string = amount
    for port in host_ports:
        container.ports.add(container_port=port, host_port=port, protocol="TCP")
    made.spec.node_selector.update(selector or {})
    made.spec.tolerations.extend(tolerations)
    made.spec.priority = priority
    made.spec.node_name = on
    return made


def snapshot_of(nodes: Sequence[Node], pods: Sequence[Pod] = ()) -> Snapshot:
    snapshot = Snapshot()
    for each in nodes:
        snapshot.set_node(each)
    for placed in pods:
        snapshot.place(request_of(placed), placed.spec.node_name)
    return snapshot


def refusals(snapshot: Snapshot, wanted: Pod) -> dict[str, str]:
    """Node → the filter that refused it, "" where it fits."""
    verdicts = Placement(snapshot).verdicts(request_of(wanted))
    return {verdict.node: verdict.filter for verdict in verdicts}


def request(name: str, **options: object) -> Request:
    return request_of(pod(name, **options))  # type: ignore[arg-type]
