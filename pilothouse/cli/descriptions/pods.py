"""How pods and nodes are described."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pilothouse.cli.ages import age
from pilothouse.cli.descriptions.lines import Description
from pilothouse.cli.descriptions.parts import conditions, container
from pilothouse.objects.quantity import Quantity
from pilothouse.printing.cells import NONE, amount
from pilothouse.printing.pods import pod_status
from protos.core_v1_pb2 import Node, Pod, Toleration


def _pod(pod: Pod, out: Description, related: Sequence[Any]) -> None:
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
    _containers(pod, out)
    conditions(out, status.conditions)
    out.mapping("Node-Selectors", pod.spec.node_selector)
    out.line("Tolerations", "; ".join(map(_toleration, pod.spec.tolerations)) or NONE)
    out.line("Volumes", ", ".join(v.name for v in pod.spec.volumes) or NONE)


def _containers(pod: Pod, out: Description) -> None:
    spec, status = pod.spec, pod.status
    for label, members, statuses in (
        ("Init Containers", spec.init_containers, status.init_container_statuses),
        ("Containers", spec.containers, status.container_statuses),
    ):
        if members:
            out.line(label)
        found = {each.name: each for each in statuses}
        for member in members:
            container(out, member, found.get(member.name))


def _toleration(toleration: Toleration) -> str:
    text = toleration.key or "*"
    if toleration.effect:
        text += f":{toleration.effect}"
    text += " op=Exists" if toleration.operator == "Exists" else f"={toleration.value}"
    if toleration.HasField("toleration_seconds"):
        text += f" for {toleration.toleration_seconds}s"
    return text


def _node(node: Node, out: Description, related: Sequence[Any]) -> None:
    out.line("Unschedulable", str(node.spec.unschedulable).lower())
    taints = [
        f"{t.key}={t.value}:{t.effect}" if t.value else f"{t.key}:{t.effect}"
        for t in node.spec.taints
    ]
    out.line("Taints", ", ".join(taints) or NONE)
    out.line("Pod CIDR", node.spec.pod_cidr or NONE)
    conditions(out, node.status.conditions)
    addresses = [[a.type, a.address] for a in node.status.addresses]
    out.rows("Addresses", [["Type", "Address"], *addresses])
    _resources(node, out, related)
    info = node.status.node_info
    out.line("OS Image", info.os_image)
    out.line("Kernel", info.kernel_version)
    out.line("Container Runtime", info.container_runtime_version)
    out.line("Agent", info.kubelet_version)
    _pods(out, related)


def _resources(node: Node, out: Description, pods: Sequence[Pod]) -> None:
    used = _requested(pods)
    rows = [["Resource", "Capacity", "Allocatable", "Requested"]]
    for name, quantity in sorted(node.status.capacity.items()):
        allocatable = amount(node.status.allocatable, name)
        rows.append([name, quantity.string, allocatable, str(used.get(name, 0))])
    out.rows("Resources", rows)


def _requested(pods: Sequence[Pod]) -> dict[str, Quantity]:
    total: dict[str, Quantity] = {}
    for pod in pods:
        if pod.status.phase in ("Succeeded", "Failed"):
            continue
        for each in pod.spec.containers:
            for name, quantity in each.resources.requests.items():
                more = Quantity.parse(quantity.string)
                total[name] = total[name] + more if name in total else more
    total["pods"] = Quantity.of(len(pods))
    return total


def _pods(out: Description, pods: Sequence[Pod]) -> None:
    rows = [["Namespace", "Name", "Status", "Age"]]
    for pod in pods:
        metadata = pod.metadata
        created = age(metadata.creation_timestamp)
        rows.append([metadata.namespace, metadata.name, pod_status(pod), created])
    out.rows("Pods", rows)


DESCRIPTIONS = {Pod: _pod, Node: _node}
