"""Nodes as a table."""

from __future__ import annotations

from pilothouse.printing.ages import UNKNOWN, created
from pilothouse.printing.cells import NONE, condition
from pilothouse.printing.table import AGE, NAME, WIDE, Cell, Column, Printer
from protos.core_v1_pb2 import Node

ROLE_PREFIX = "node-role.kubernetes.io/"
ROLE_LABEL = "kubernetes.io/role"


def node_status(node: Node) -> str:
    """Ready, NotReady or Unknown, and whether pods may come."""
    ready = condition(node.status.conditions, "Ready")
    state = "Unknown" if not ready else "Ready" if ready == "True" else "NotReady"
    return f"{state},SchedulingDisabled" if node.spec.unschedulable else state


def _roles(node: Node) -> str:
    labels = node.metadata.labels
    roles = {key.removeprefix(ROLE_PREFIX) for key in labels if key.startswith(ROLE_PREFIX)}
    roles.add(labels.get(ROLE_LABEL, ""))
    return ",".join(sorted(roles - {""})) or NONE


def _address(node: Node, kind: str) -> str:
    return next((a.address for a in node.status.addresses if a.type == kind), NONE)


def _cells(node: Node, now: float) -> tuple[Cell, ...]:
    info = node.status.node_info
    return (
        node.metadata.name,
        node_status(node),
        _roles(node),
        created(node, now),
        info.kubelet_version,
        _address(node, "InternalIP"),
        _address(node, "ExternalIP"),
        info.os_image or UNKNOWN,
        info.kernel_version or UNKNOWN,
        info.container_runtime_version or UNKNOWN,
    )


PRINTERS = {
    Node: Printer(
        (
            NAME,
            Column("Status", "Whether the node is ready, and whether pods may come."),
            Column("Roles", "The roles that its labels name."),
            AGE,
            Column("Version", "The version of its agent."),
            Column("Internal-IP", "Its address inside the cluster.", priority=WIDE),
            Column("External-IP", "Its address outside of the cluster.", priority=WIDE),
            Column("OS-Image", "The operating system it runs.", priority=WIDE),
            Column("Kernel-Version", "The kernel it runs.", priority=WIDE),
            Column("Container-Runtime", "What runs its containers.", priority=WIDE),
        ),
        _cells,
    ),
}
