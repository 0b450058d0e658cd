"""What a node may change of its own Node object, so that it cannot draw pods to itself."""

from __future__ import annotations

from protos.core_v1_pb2 import Node

# A node describes its machine with these; every other label is the administrators' word about
# it, and pods with secrets may be steered by it.
OWN_LABELS = frozenset(
    {
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "kubernetes.io/arch",
        "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
    }
)


def refusal(new: Node, old: Node | None) -> str | None:
    """Why a node may not make its Node so; None: it may. old None: it creates it."""
    known = old if old is not None else Node()
    label = _foreign_label(new, known)
    if label is not None:
        return f"a node may not set or remove its label {label}"
    if new.metadata.owner_references != known.metadata.owner_references:
        return "a node may not set owner references on itself"
    if old is not None and new.spec != old.spec:
        return "a node may not change its spec (taints, unschedulable, ranges)"
    if old is None and (new.spec.pod_cidr or new.spec.pod_cidrs):
        return "a node may not choose its pod range"
    return None


def _foreign_label(new: Node, old: Node) -> str | None:
    for name in sorted({*new.metadata.labels, *old.metadata.labels} - OWN_LABELS):
        if new.metadata.labels.get(name) != old.metadata.labels.get(name):
            return name
    return None
