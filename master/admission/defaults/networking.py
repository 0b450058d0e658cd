"""Defaults of network policies and ingress classes."""

from __future__ import annotations

from collections.abc import Iterable

from protos.networking_v1_pb2 import IngressClass, NetworkPolicy, NetworkPolicyPort


def default_network_policy(policy: NetworkPolicy) -> None:
    """What comes in is restricted; what goes out only where there are rules for it."""
    spec = policy.spec
    if not spec.policy_types:
        spec.policy_types.append("Ingress")
        if spec.egress:
            spec.policy_types.append("Egress")
    for ingress in spec.ingress:
        _default_ports(ingress.ports)
    for egress in spec.egress:
        _default_ports(egress.ports)


def _default_ports(ports: Iterable[NetworkPolicyPort]) -> None:
    for port in ports:
        if not port.HasField("protocol"):
            port.protocol = "TCP"


def default_ingress_class(ingress_class: IngressClass) -> None:
    """Its parameters belong to the cluster."""
    spec = ingress_class.spec
    if spec.HasField("parameters") and not spec.parameters.HasField("scope"):
        spec.parameters.scope = "Cluster"
