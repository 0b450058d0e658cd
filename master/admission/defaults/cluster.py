"""Defaults of namespaces, nodes and secrets."""

from __future__ import annotations

from typing import Final

from master.admission.defaults.resources import round_up_resources
from protos.core_v1_pb2 import Namespace, Node, Secret

NAME_LABEL: Final = "kubernetes.io/metadata.name"
KUBERNETES_FINALIZER: Final = "kubernetes"


def default_namespace(namespace: Namespace) -> None:
    """Its name as a label, so that label selectors can choose namespaces by name."""
    name = namespace.metadata.name
    if name:
        namespace.metadata.labels[NAME_LABEL] = name


def default_node(node: Node) -> None:
    """Nothing is reserved unless the node says so: allocatable is the capacity."""
    status = node.status
    if status.capacity:
        round_up_resources(status.capacity)
        if not status.allocatable:
            for resource, quantity in status.capacity.items():
                status.allocatable[resource].CopyFrom(quantity)
    if status.allocatable:
        round_up_resources(status.allocatable)


def default_secret(secret: Secret) -> None:
    """The write-only string_data joins data, over it; the type is Opaque when left open."""
    if not secret.type:
        secret.type = "Opaque"
    if secret.string_data:
        for key, text in secret.string_data.items():
            secret.data[key] = text.encode()
        secret.ClearField("string_data")
