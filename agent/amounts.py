"""Requests and limits in the units of the runtime: thousandths of a core, bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agent.runtime.specs import Resources
from pilothouse.objects import quantity
from protos.core_v1_pb2 import Container, PodSpec, ResourceRequirements
from protos.scalars_pb2 import Quantity

_Amount = Callable[[Container], int]

# Kubernetes' scores: the kernel kills best-effort pods first, guaranteed ones last.
_GUARANTEED_SCORE = -997
_BEST_EFFORT_SCORE = 1000


def milli_cpu(amounts: Mapping[str, Quantity]) -> int:
    """Thousandths of a core; 0 where none is stated."""
    return quantity.milli(amounts["cpu"].string) if "cpu" in amounts else 0


def memory(amounts: Mapping[str, Quantity]) -> int:
    """Bytes; 0 where none is stated."""
    return quantity.value(amounts["memory"].string) if "memory" in amounts else 0


def container_resources(container: Container, quality: str, node_memory: int) -> Resources:
    """One container's, with the score by which the kernel chooses whom to kill."""
    requests, limits = container.resources.requests, container.resources.limits
    asked = memory(requests) or memory(limits)
    return Resources(
        cpu_request_milli=milli_cpu(requests) or milli_cpu(limits),
        cpu_limit_milli=milli_cpu(limits),
        memory_request=asked,
        memory_limit=memory(limits),
        oom_score_adj=oom_score(quality, asked, node_memory),
    )


def oom_score(quality: str, memory_request: int, node_memory: int) -> int:
    """The kernel's oom_score_adj, by Kubernetes' formula."""
    if quality == "Guaranteed":
        return _GUARANTEED_SCORE
    if quality == "BestEffort" or node_memory <= 0:
        return _BEST_EFFORT_SCORE
    score = 1000 - 1000 * memory_request // node_memory
    return max(3, min(score, 999))


def pod_resources(spec: PodSpec) -> Resources:
    """The pod's own group: the sum over what runs together, or an init container's if it
    is more. A limit holds only where every container states one."""
    sidecars = [c for c in spec.init_containers if c.restart_policy == "Always"]
    together = [*sidecars, *spec.containers]
    alone = [c for c in spec.init_containers if c.restart_policy != "Always"]
    return Resources(
        cpu_request_milli=_most(together, alone, lambda c: milli_cpu(c.resources.requests)),
        cpu_limit_milli=_most_limited(together, alone, lambda c: milli_cpu(c.resources.limits)),
        memory_request=_most(together, alone, lambda c: memory(c.resources.requests)),
        memory_limit=_most_limited(together, alone, lambda c: memory(c.resources.limits)),
    )


def _most(together: list[Container], alone: list[Container], amount: _Amount) -> int:
    return max([sum(map(amount, together)), *map(amount, alone)])


def _most_limited(together: list[Container], alone: list[Container], limit: _Amount) -> int:
    if not all(map(limit, (*together, *alone))):
        return 0
    return _most(together, alone, limit)


def resource_value(
    resources: ResourceRequirements,
    name: str,
    divisor: str,
    allocatable: Mapping[str, int],
) -> str:
    """A resource field reference's value: "limits.cpu", "requests.memory" and so on.

    Without a limit the node's allocatable is the limit. Divided by the divisor (1 by default)
    and rounded up. ValueError: no such resource, or a divisor of 0.
    """
    side, _, resource = name.partition(".")
    if side not in ("limits", "requests") or not resource:
        raise ValueError(f"unsupported container resource {name!r}")
    amounts = resources.limits if side == "limits" else resources.requests
    if resource in amounts:
        amount = quantity.Quantity.parse(amounts[resource].string).fraction()
    elif side == "limits" and resource in allocatable:
        scale = 1000 if resource == "cpu" else 1
        amount = quantity.Quantity.of(allocatable[resource]).fraction() / scale
    else:
        amount = quantity.ZERO.fraction()
    by = quantity.Quantity.parse(divisor or "1").fraction() or None
    if by is None:
        raise ValueError(f"the divisor {divisor!r} is zero")
    return str(-(-amount // by))
