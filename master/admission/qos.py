"""The quality-of-service class of a pod, which decides who is evicted first."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Final

from master.admission.amounts import nanos
from pilothouse.objects.remembering import remembered
from protos.core_v1_pb2 import PodSpec
from protos.scalars_pb2 import Quantity

_COUNTED: Final = ("cpu", "memory")


@remembered
def qos_class(spec: PodSpec) -> str:
    """Guaranteed, Burstable or BestEffort, by the requests and limits for cpu and memory.

    Guaranteed: every container limits both and requests exactly its limits. BestEffort: no
    container asks for anything. Zero amounts count as absent. Init containers count too, as in
    Kubernetes.
    """
    guaranteed = True
    requested: dict[str, int] = {}
    limited: dict[str, int] = {}
    for container in chain(spec.containers, spec.init_containers):
        if not container.HasField("resources"):
            guaranteed = False
            continue
        requests = _amounts(container.resources.requests)
        limits = _amounts(container.resources.limits)
        _sum_up(requested, requests)
        _sum_up(limited, limits)
        guaranteed = guaranteed and len(limits) == len(_COUNTED)
    if not requested and not limited:
        return "BestEffort"
    return "Guaranteed" if guaranteed and requested == limited else "Burstable"


def _amounts(quantities: Mapping[str, Quantity]) -> dict[str, int]:
    amounts = {}
    for name in _COUNTED:
        if name in quantities:
            amount = nanos(quantities[name].string)
            if amount:
                amounts[name] = amount
    return amounts


def _sum_up(total: dict[str, int], amounts: dict[str, int]) -> None:
    for name, amount in amounts.items():
        total[name] = total.get(name, 0) + amount
