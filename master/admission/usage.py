"""What an object takes of a resource quota, and whether that is too much. Pure.

Follows Kubernetes, words included. Every object counts as one of its kind (count/KIND, and by its
plain name where Kubernetes has one); pods also for what their containers ask for, services for
their ports, claims for their storage. A quota with scopes is about the pods in all of them. Pods
that have ended take nothing but their place among the objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from master.admission.qos import qos_class
from master.admission.totals import Amounts, add, amounts, limits_of, of_pod, requests_of
from pilothouse.objects import kinds
from pilothouse.objects.quantity import ZERO
from pilothouse.objects.quantity import Quantity as Amount
from protos.core_v1_pb2 import (
    PersistentVolumeClaim,
    Pod,
    ResourceQuota,
    ScopedResourceSelectorRequirement,
    Service,
)

ONE: Final = Amount.of(1)

_ENDED: Final = ("Succeeded", "Failed")
# Counted by their plain names too, for longer than there is count/.
_PLAIN: Final = frozenset({"configmaps", "replicationcontrollers", "resourcequotas", "secrets"})
_COMPUTE: Final = ("cpu", "memory", "ephemeral-storage")
# What every container must say where a quota is about it.
_REQUIRED: Final = frozenset(
    f"{part}{name}" for part in ("", "requests.", "limits.") for name in ("cpu", "memory")
)
_CLASS: Final = "storageclass.storage.k8s.io"


def usage_of(obj: Any) -> dict[str, Amount]:
    """All that an object in a namespace takes."""
    resource = kinds.of(obj).resource
    found = {f"count/{resource}": ONE}
    if isinstance(obj, Pod):
        if obj.status.phase not in _ENDED:
            found |= _of_pod(obj)
    elif isinstance(obj, Service):
        found |= _of_service(obj)
    elif isinstance(obj, PersistentVolumeClaim):
        found |= _of_claim(obj)
    elif resource in _PLAIN:
        found[resource] = ONE
    return found


def counted(quota: ResourceQuota, obj: Any) -> dict[str, Amount]:
    """What the object takes of that quota: nothing that it does not limit."""
    hard = quota.spec.hard
    if not is_covered(quota, obj):
        return {}
    return {name: amount for name, amount in usage_of(obj).items() if name in hard}


def is_covered(quota: ResourceQuota, obj: Any) -> bool:
    """Whether the object is in all scopes of the quota."""
    scopes = list(_scopes(quota))
    if not scopes:
        return True
    return isinstance(obj, Pod) and all(_in_scope(obj, scope) for scope in scopes)


def is_overdue(pod: Pod, now: float) -> bool:
    """Whether a pod that ends is there for longer than it was given twice, as on a lost node: it
    stands in the way of no other. `now` in Unix seconds."""
    metadata = pod.metadata
    if not metadata.HasField("deletion_timestamp"):
        return False
    end: int = metadata.deletion_timestamp.seconds + metadata.deletion_grace_period_seconds
    return now > end


def without_place(usage: Amounts) -> dict[str, Amount]:
    """What a pod takes besides its place among the objects."""
    return {name: amount for name, amount in usage.items() if name != "count/pods"}


def unspecified(quota: ResourceQuota, pod: Pod) -> str | None:
    """What the pod's containers must say and do not: `failed quota: …`; None: nothing."""
    required = sorted(_REQUIRED & set(quota.spec.hard))
    if not required or not is_covered(quota, pod):
        return None
    missing: dict[str, list[str]] = {}
    for container in (*pod.spec.containers, *pod.spec.init_containers):
        given = _compute(amounts(requests_of(container)), amounts(limits_of(container)))
        for name in required:
            if name not in given:
                missing.setdefault(name, []).append(container.name)
    if not missing:
        return None
    words = (f"{name} for: {','.join(sorted(set(of)))}" for name, of in sorted(missing.items()))
    return f"failed quota: {quota.metadata.name}: must specify {'; '.join(words)}"


def exceeded(quota: ResourceQuota, used: Amounts, more: Amounts) -> str | None:
    """Why there is not that much left: `exceeded quota: …`; None: there is."""
    hard = amounts(quota.spec.hard)
    over = sorted(
        name for name, amount in more.items() if used.get(name, ZERO) + amount > hard[name]
    )
    if not over:
        return None
    return (
        f"exceeded quota: {quota.metadata.name}, requested: {_shown(more, over)},"
        f" used: {_shown(used, over)}, limited: {_shown(hard, over)}"
    )


def increase(new: Amounts, old: Amounts) -> dict[str, Amount]:
    """What a change takes on top of what there was."""
    risen = {name: amount - old.get(name, ZERO) for name, amount in new.items()}
    return {name: amount for name, amount in risen.items() if amount > ZERO}


def _shown(found: Amounts, names: Iterable[str]) -> str:
    return ",".join(f"{name}={found.get(name, ZERO)}" for name in names)


def _of_pod(pod: Pod) -> dict[str, Amount]:
    requests, limits = of_pod(pod, requests_of), of_pod(pod, limits_of)
    overhead = amounts(pod.spec.overhead)
    add(requests, overhead)
    add(limits, {name: amount for name, amount in overhead.items() if limits.get(name)})
    return {"pods": ONE, **_compute(requests, limits)}


def _compute(requests: Amounts, limits: Amounts) -> dict[str, Amount]:
    found: dict[str, Amount] = {}
    for name, amount in requests.items():
        native = "/" not in name
        if name in _COMPUTE or name.startswith("hugepages-"):
            found[name] = found[f"requests.{name}"] = amount
        elif not native and "kubernetes.io/" not in name:
            found[f"requests.{name}"] = amount
    for name in _COMPUTE:
        if name in limits:
            found[f"limits.{name}"] = limits[name]
    return found


def _of_service(service: Service) -> dict[str, Amount]:
    spec, found = service.spec, {"services": ONE}
    if spec.type == "NodePort":
        found["services.nodeports"] = Amount.of(len(spec.ports))
    elif spec.type == "LoadBalancer":
        chosen = spec.HasField("allocate_load_balancer_node_ports")
        ports: Iterable[Any] = spec.ports
        if chosen and not spec.allocate_load_balancer_node_ports:
            ports = [port for port in spec.ports if port.node_port]
        found["services.nodeports"] = Amount.of(len(list(ports)))
        found["services.loadbalancers"] = ONE
    return found


def _of_claim(claim: PersistentVolumeClaim) -> dict[str, Amount]:
    found = {"persistentvolumeclaims": ONE}
    storage = amounts(claim.spec.resources.requests).get("storage")
    if storage is not None:
        found["requests.storage"] = storage
    if claim.spec.HasField("storage_class_name"):
        of_class = f"{claim.spec.storage_class_name}.{_CLASS}"
        found.update({f"{of_class}/{name}": amount for name, amount in found.items()})
    return found


def _scopes(quota: ResourceQuota) -> Iterator[ScopedResourceSelectorRequirement]:
    for name in quota.spec.scopes:
        yield ScopedResourceSelectorRequirement(scope_name=name, operator="Exists")
    yield from quota.spec.scope_selector.match_expressions


def _in_scope(pod: Pod, scope: ScopedResourceSelectorRequirement) -> bool:
    if scope.scope_name == "PriorityClass":
        return _has_class(pod.spec.priority_class_name, scope)
    return _SCOPES[scope.scope_name](pod)


def _has_class(name: str, scope: ScopedResourceSelectorRequirement) -> bool:
    match scope.operator:
        case "Exists":
            return bool(name)
        case "DoesNotExist":
            return not name
        case "NotIn":
            return name not in scope.values
        case _:
            return name in scope.values


def _is_terminating(pod: Pod) -> bool:
    return pod.spec.HasField("active_deadline_seconds")


def _is_best_effort(pod: Pod) -> bool:
    return qos_class(pod.spec) == "BestEffort"


def _reaches_out(pod: Pod) -> bool:
    """Whether its affinity is about pods of other namespaces."""
    affinity = pod.spec.affinity
    for part in (affinity.pod_affinity, affinity.pod_anti_affinity):
        weighted = (
            w.pod_affinity_term for w in part.preferred_during_scheduling_ignored_during_execution
        )
        for term in (*part.required_during_scheduling_ignored_during_execution, *weighted):
            if term.namespaces or term.HasField("namespace_selector"):
                return True
    return False


_SCOPES: Final[dict[str, Callable[[Pod], bool]]] = {
    "Terminating": _is_terminating,
    "NotTerminating": lambda pod: not _is_terminating(pod),
    "BestEffort": _is_best_effort,
    "NotBestEffort": lambda pod: not _is_best_effort(pod),
    "CrossNamespacePodAffinity": _reaches_out,
}
