"""Whom a pod may push out so that it fits: pure, by Kubernetes' rules (default preemption).

On each node on which ending pods can help at all, those of lower priority are thought away; if the
pod fits then, as many of them as possible are taken back, the ones that a disruption budget
protects first, then by importance. Of the nodes left, the one is chosen that breaks the fewest
budgets, then the one with the least important victims.

The snapshot is changed while a node is judged, and is as before when choose() returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from master.scheduler.filters import FILTERS
from master.scheduler.request import Request
from master.scheduler.snapshot import Snapshot
from pilothouse.objects.selectors import LabelSelector
from protos.policy_v1_pb2 import PodDisruptionBudget

# Enough nodes to choose a good one among, however many there are; and how many are judged in one
# go, for the API answers on the same loop.
CANDIDATES = 100
JUDGED = 400
_LEAST_PRIORITY = -(2**31)


@dataclass(frozen=True, slots=True)
class Preemption:
    """Where the pod would fit without the victims; `violations`: of disruption budgets."""

    node: str
    victims: tuple[Request, ...]
    violations: int


def choose(
    request: Request,
    snapshot: Snapshot,
    slots: Iterable[int],
    budgets: Sequence[PodDisruptionBudget],
) -> Preemption | None:
    """The best node of those in the columns `slots`, looked at in that order."""
    found: list[Preemption] = []
    judged = 0
    for slot in slots:
        lower = _lower(request, snapshot, slot)
        if not lower:
            continue
        judged += 1
        candidate = _candidate(request, snapshot, slot, lower, budgets)
        if candidate is not None:
            found.append(candidate)
        if len(found) == CANDIDATES or judged == JUDGED:
            break
    return min(found, key=_cost, default=None)


def _cost(candidate: Preemption) -> tuple[int, int, int, int, str]:
    highest = max(victim.priority for victim in candidate.victims)
    first = min(_begun(victim) for victim in candidate.victims if victim.priority == highest)
    total = sum(victim.priority - _LEAST_PRIORITY for victim in candidate.victims)
    return candidate.violations, highest, total, -first, candidate.node


def _begun(request: Request) -> int:
    return request.pod.metadata.creation_timestamp.seconds


def _importance(request: Request) -> tuple[int, int, str]:
    return -request.priority, _begun(request), request.uid


def _lower(request: Request, snapshot: Snapshot, slot: int) -> list[Request]:
    """The column's less important pods, where their amounts would be enough."""
    pods = snapshot.column(slot).pods.values()
    lower = [pod for pod in pods if pod.priority < request.priority]
    for name, need in request.amounts.items():
        row = snapshot.row(name)
        free = int(snapshot.allocatable[row, slot]) - int(snapshot.requested[row, slot])
        if need > 0 and free + sum(pod.amounts.get(name, 0) for pod in lower) < need:
            return []
    return sorted(lower, key=_importance)


def _candidate(
    request: Request,
    snapshot: Snapshot,
    slot: int,
    lower: Sequence[Request],
    budgets: Sequence[PodDisruptionBudget],
) -> Preemption | None:
    column = snapshot.column(slot)
    for each in lower:
        snapshot.displace(each.key)
    victims: tuple[Request, ...] = ()
    try:
        if not _fits(request, snapshot, slot):
            return None
        protected, others = _split(lower, budgets)
        broken = _not_taken_back(protected, request, snapshot, slot)
        victims = (*broken, *_not_taken_back(others, request, snapshot, slot))
        return Preemption(column.name, victims, len(broken)) if victims else None
    finally:
        for each in lower:
            snapshot.place(each, column.name)


def _not_taken_back(
    pods: Iterable[Request], request: Request, snapshot: Snapshot, slot: int
) -> tuple[Request, ...]:
    name, victims = snapshot.column(slot).name, []
    for pod in pods:
        snapshot.place(pod, name)
        if not _fits(request, snapshot, slot):
            snapshot.displace(pod.key)
            victims.append(pod)
    return tuple(victims)


def _fits(request: Request, snapshot: Snapshot, slot: int) -> bool:
    one = np.array([slot])
    return all(
        rule.passes(request, snapshot, one)[0]
        for rule in FILTERS
        if rule.applies(request, snapshot)
    )


def _split(
    pods: Sequence[Request], budgets: Sequence[PodDisruptionBudget]
) -> tuple[list[Request], list[Request]]:
    """Those whose end would break a budget, if all before them ended too; and the others."""
    left = [budget.status.disruptions_allowed for budget in budgets]
    broken: list[Request] = []
    others: list[Request] = []
    for pod in pods:
        breaks = False
        for index, budget in enumerate(budgets):
            if _protects(budget, pod):
                left[index] -= 1
                breaks = breaks or left[index] < 0
        (broken if breaks else others).append(pod)
    return broken, others


def _protects(budget: PodDisruptionBudget, request: Request) -> bool:
    namespace, name = request.key
    if budget.metadata.namespace != namespace or name in budget.status.disrupted_pods:
        return False
    selector = budget.spec.selector
    return budget.spec.HasField("selector") and LabelSelector.of(selector).matches(
        request.pod.metadata.labels
    )
