"""What a pod has from the classes that it names: its priority, and how and where it runs.

Each function completes the caller's own pod, or answers why it may not be created. Source:
Kubernetes 1.32's admission plugins Priority and RuntimeClass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from protos.core_v1_pb2 import PodSpec
from protos.node_v1_pb2 import RuntimeClass
from protos.scheduling_v1_pb2 import PriorityClass

HANDLERS: Final = ("crun",)  # the runtimes that agents run pods with


@dataclass(frozen=True, slots=True)
class Priority:
    """What a priority class says of its pods; "" is no class."""

    name: str
    value: int
    preemption_policy: str


NO_CLASS: Final = Priority("", 0, "PreemptLowerPriority")


def priority_of(priority_class: PriorityClass) -> Priority:
    """As a pod takes it."""
    policy = priority_class.preemption_policy
    return Priority(priority_class.metadata.name, priority_class.value, policy)


def default_priority(classes: Iterable[PriorityClass]) -> Priority:
    """Of pods that name no class: the least of those that are the default."""
    found = [it for it in classes if it.global_default]
    return priority_of(min(found, key=lambda it: it.value)) if found else NO_CLASS


def take_priority(spec: PodSpec, priority: Priority) -> str | None:
    """A pod may repeat what its class says, and say nothing else."""
    computed = "priority admission controller computed {} from the given PriorityClass name"
    if spec.HasField("priority") and spec.priority != priority.value:
        return (
            f"the integer value of priority ({spec.priority}) must not be provided in pod spec; "
            f"{computed.format(priority.value)}"
        )
    policy = priority.preemption_policy
    if policy and spec.HasField("preemption_policy") and spec.preemption_policy != policy:
        return (
            f"the string value of PreemptionPolicy ({spec.preemption_policy}) must not be "
            f"provided in pod spec; {computed.format(policy)}"
        )
    spec.priority_class_name, spec.priority = priority.name, priority.value
    if policy:
        spec.preemption_policy = policy
    return None


def take_runtime(spec: PodSpec, runtime: RuntimeClass | None) -> str | None:
    """A pod runs as its runtime class says, where it says, at the cost that it says.

    `runtime`: None where the pod names no class.
    """
    if runtime is not None and runtime.handler not in HANDLERS:
        return (
            f'pod rejected: RuntimeClass "{runtime.metadata.name}" has the handler '
            f'"{runtime.handler}", and nodes have only: {", ".join(HANDLERS)}'
        )
    if runtime is None or not runtime.HasField("overhead"):
        if spec.overhead:
            return (
                "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
            )
    elif (why := _take_overhead(spec, runtime)) is not None:
        return why
    return None if runtime is None else _take_scheduling(spec, runtime)


def _take_overhead(spec: PodSpec, runtime: RuntimeClass) -> str | None:
    fixed = {name: it.string for name, it in runtime.overhead.pod_fixed.items()}
    own = {name: it.string for name, it in spec.overhead.items()}
    if own and own != fixed:
        return "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
    for name, amount in fixed.items():
        spec.overhead[name].string = amount
    return None


def _take_scheduling(spec: PodSpec, runtime: RuntimeClass) -> str | None:
    for key, value in runtime.scheduling.node_selector.items():
        own = spec.node_selector.get(key, value)
        if own != value:
            return (
                f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
                f"pod.spec.nodeSelector[{key}] = {own}"
            )
    spec.node_selector.update(runtime.scheduling.node_selector)
    for toleration in runtime.scheduling.tolerations:
        if toleration not in spec.tolerations:
            spec.tolerations.append(toleration)
    return None
