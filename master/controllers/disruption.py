"""How many pods of a disruption budget may go now: pure, by Kubernetes' rules.

Expected are the pods that there are, or, for a percentage and for maxUnavailable, as many as the
owners of the pods ask for. Healthy are those that are ready, not ending, and not on their way out
by an eviction. What is healthy beyond what must be may go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from master.controllers.ownership import copy_of
from master.controllers.podstate import is_ready, is_terminating
from master.controllers.rolling import resolved
from protos.core_v1_pb2 import Pod
from protos.policy_v1_pb2 import PodDisruptionBudget

# An evicted pod is gone or ending by then, or whoever evicted it died half-way.
EVICTION_SECONDS = 120.0
CONDITION = "DisruptionAllowed"


@dataclass(frozen=True, slots=True)
class Budget:
    """The budget with its new status, and in how many seconds to look again (None: on change)."""

    made: PodDisruptionBudget
    again: float | None


def judged(
    budget: PodDisruptionBudget, pods: Sequence[Pod], scales: Mapping[str, int], now: float
) -> Budget:
    """The status that follows. scales: by the uid of an owner, how many pods it asks for."""
    made: PodDisruptionBudget = copy_of(budget)
    status, leaving = made.status, _leaving(budget, pods, now)
    for name in status.disrupted_pods.keys() - leaving.keys():
        del status.disrupted_pods[name]
    expected, desired = _wanted(budget, pods, scales)
    healthy = sum(
        is_ready(p) and not is_terminating(p) and p.metadata.name not in leaving for p in pods
    )
    allowed = max(0, healthy - desired) if expected > 0 else 0
    status.observed_generation = budget.metadata.generation
    status.expected_pods, status.desired_healthy = expected, desired
    status.current_healthy, status.disruptions_allowed = healthy, allowed
    _set_condition(made, now)
    return Budget(made, min(leaving.values(), default=None))


def _leaving(budget: PodDisruptionBudget, pods: Sequence[Pod], now: float) -> dict[str, float]:
    """Pods on their way out whose deletion is not seen yet, and for how long to wait for it."""
    present = {p.metadata.name for p in pods if not is_terminating(p)}
    waits = {
        name: at.seconds + EVICTION_SECONDS - now
        for name, at in budget.status.disrupted_pods.items()
        if name in present
    }
    return {name: wait for name, wait in waits.items() if wait > 0}


def _wanted(
    budget: PodDisruptionBudget, pods: Sequence[Pod], scales: Mapping[str, int]
) -> tuple[int, int]:
    """How many pods there should be, and how many of them must be healthy."""
    spec, whole = budget.spec, sum(scales.values())
    if spec.HasField("max_unavailable"):
        return whole, max(0, whole - resolved(spec.max_unavailable, whole, up=True))
    if spec.min_available.type == 1:
        return whole, resolved(spec.min_available, whole, up=True)
    return len(pods), spec.min_available.int_val


def _set_condition(made: PodDisruptionBudget, now: float) -> None:
    allowed = made.status.disruptions_allowed > 0
    state, reason = ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
    present = [c for c in made.status.conditions if c.type == CONDITION]
    condition = present[0] if present else made.status.conditions.add(type=CONDITION)
    if condition.status != state:
        condition.last_transition_time.seconds = int(now)
    condition.status, condition.reason, condition.message = state, reason, ""
    condition.observed_generation = made.metadata.generation
