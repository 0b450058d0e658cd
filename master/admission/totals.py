"""What the containers of a pod ask for together, exactly. Pure.

Kubernetes, "Resource sharing within containers": what runs side by side is added up; an init
container counts with the sidecars before it, and the larger of both is the pod's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pilothouse.objects.quantity import ZERO
from pilothouse.objects.quantity import Quantity as Amount
from protos.core_v1_pb2 import Container, Pod
from protos.scalars_pb2 import Quantity

Amounts = Mapping[str, Amount]
Resources = Callable[[Container], Mapping[str, Quantity]]


def requests_of(container: Container) -> Mapping[str, Quantity]:
    """What a container is sure to get."""
    return container.resources.requests


def limits_of(container: Container) -> Mapping[str, Quantity]:
    """What a container gets at most."""
    return container.resources.limits


def amounts(quantities: Mapping[str, Quantity]) -> dict[str, Amount]:
    """The quantities as numbers."""
    return {name: Amount.parse(quantity.string) for name, quantity in quantities.items()}


def of_pod(pod: Pod, resources: Resources) -> dict[str, Amount]:
    """Of the whole pod, without its overhead."""
    running: dict[str, Amount] = {}
    for container in pod.spec.containers:
        add(running, amounts(resources(container)))
    sidecars: dict[str, Amount] = {}
    starting: dict[str, Amount] = {}
    for container in pod.spec.init_containers:
        needed = amounts(resources(container))
        if container.restart_policy == "Always":
            add(running, needed)
            add(sidecars, needed)
            _raise_to(starting, sidecars)
        else:
            add(needed, sidecars)
            _raise_to(starting, needed)
    _raise_to(running, starting)
    return running


def add(total: dict[str, Amount], more: Amounts) -> None:
    """Add to the total."""
    for name, amount in more.items():
        total[name] = total.get(name, ZERO) + amount


def take(total: dict[str, Amount], less: Amounts) -> None:
    """Take from the total."""
    for name, amount in less.items():
        total[name] = total.get(name, ZERO) - amount


def _raise_to(total: dict[str, Amount], least: Amounts) -> None:
    for name, amount in least.items():
        if name not in total or amount > total[name]:
            total[name] = amount
