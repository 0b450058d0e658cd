"""The networking group as tables."""

from __future__ import annotations

from pilothouse.printing.ages import created
from pilothouse.printing.cells import NONE, SHOWN, balancer, selector
from pilothouse.printing.table import AGE, NAME, Cell, Column, Printer
from protos.networking_v1_pb2 import Ingress, IngressClass, NetworkPolicy


def hosts(ingress: Ingress) -> str:
    """The first hosts, * for any. What follows them is counted in rules, as Kubernetes does."""
    shown: list[str] = []
    for rule in ingress.spec.rules:
        if len(shown) == SHOWN:
            return f"{','.join(shown)} + {len(ingress.spec.rules) - SHOWN} more..."
        if rule.host:
            shown.append(rule.host)
    return ",".join(shown) or "*"


def _ingress(ingress: Ingress, now: float) -> tuple[Cell, ...]:
    spec = ingress.spec
    return (
        ingress.metadata.name,
        spec.ingress_class_name if spec.HasField("ingress_class_name") else NONE,
        hosts(ingress),
        balancer(ingress.status.load_balancer),
        "80, 443" if spec.tls else "80",
        created(ingress, now),
    )


def _ingress_class(ingress_class: IngressClass, now: float) -> tuple[Cell, ...]:
    spec = ingress_class.spec
    return (
        ingress_class.metadata.name,
        spec.controller,
        parameters(ingress_class),
        created(ingress_class, now),
    )


def parameters(ingress_class: IngressClass) -> str:
    """Kind.group/name of what has the class's parameters."""
    if not ingress_class.spec.HasField("parameters"):
        return NONE
    given = ingress_class.spec.parameters
    group = f".{given.api_group}" if given.HasField("api_group") else ""
    return f"{given.kind}{group}/{given.name}"


def _policy(policy: NetworkPolicy, now: float) -> tuple[Cell, ...]:
    return policy.metadata.name, selector(policy.spec.pod_selector), created(policy, now)


PRINTERS = {
    Ingress: Printer(
        (
            NAME,
            Column("Class", "The ingress class it is of."),
            Column("Hosts", "The hosts that its rules are for."),
            Column("Address", "Where requests come in."),
            Column("Ports", "The ports that are open: 443 where it has certificates."),
            AGE,
        ),
        _ingress,
    ),
    IngressClass: Printer(
        (
            NAME,
            Column("Controller", "What acts on ingresses of this class."),
            Column("Parameters", "An object with more settings."),
            AGE,
        ),
        _ingress_class,
    ),
    NetworkPolicy: Printer(
        (NAME, Column("Pod-Selector", "The labels of the pods it is for."), AGE), _policy
    ),
}
