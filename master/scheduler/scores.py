"""How good a node is for a pod: one function each, 0 (worst) to 100, and its weight.

A score depends on its own column alone (never on a maximum over all nodes), so a change of one
node changes one element; but for those that look at pods anywhere, which are asked anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from master.scheduler.affinity import preference
from master.scheduler.filters import Slots, Watches, untolerated
from master.scheduler.neighbours import (
    affinity_scores,
    has_preference,
    spread_scores,
    wants_spreading,
)
from master.scheduler.request import Request
from master.scheduler.snapshot import Column, Snapshot
from pilothouse.objects.demands import CPU, MEMORY

Scores = NDArray[np.float64]

_PREFER_NO_SCHEDULE = frozenset({"PreferNoSchedule"})


@dataclass(frozen=True, slots=True)
class Score:
    """`applies`: whether the score can differ between nodes for this pod."""

    name: str
    weight: float
    watches: Watches
    applies: Callable[[Request], bool]
    scores: Callable[[Request, Snapshot, Slots], Scores]


def _used_fractions(request: Request, snapshot: Snapshot, slots: Slots) -> tuple[Scores, Scores]:
    fractions = []
    for index, name in enumerate((CPU, MEMORY)):
        capacity = np.maximum(snapshot.allocatable[snapshot.rows[name], slots], 1)
        used = snapshot.weighed[index, slots] + request.weighed[index]
        fractions.append(np.minimum(used / capacity, 1.0))
    return fractions[0], fractions[1]


def least_allocated(request: Request, snapshot: Snapshot, slots: Slots) -> Scores:
    """The free share of cpu and memory once the pod runs there."""
    cpu, memory = _used_fractions(request, snapshot, slots)
    return np.asarray(50.0 * (2.0 - cpu - memory))


def balanced_allocation(request: Request, snapshot: Snapshot, slots: Slots) -> Scores:
    """Best where cpu and memory would be used in equal shares."""
    cpu, memory = _used_fractions(request, snapshot, slots)
    return np.asarray(100.0 - 100.0 * np.abs(cpu - memory))


def group_spread(request: Request, snapshot: Snapshot, slots: Slots) -> Scores:
    """Best where the fewest pods of the same controller run: 100, 50, 33, …"""
    members = snapshot.groups.get(request.group)
    if not members:
        return np.full(len(slots), 100.0)
    counts = np.fromiter((members.get(s, 0) for s in slots.tolist()), np.float64, len(slots))
    return np.asarray(100.0 / (1.0 + counts))


def _of_columns(score: Callable[[Request, Column], float]) -> Callable[..., Scores]:
    def scores(request: Request, snapshot: Snapshot, slots: Slots) -> Scores:
        columns = snapshot.columns
        values = (
            score(request, column) if (column := columns[slot]) is not None else 0.0
            for slot in slots.tolist()
        )
        return np.fromiter(values, np.float64, len(slots))

    return scores


def _preferred(request: Request, column: Column) -> float:
    return 100.0 * preference(request.pod.spec.affinity, column.name, column.labels)


def _unwanted_taints(request: Request, column: Column) -> float:
    return 0.0 if untolerated(request, column, _PREFER_NO_SCHEDULE) else 100.0


def _has_preference(request: Request) -> bool:
    affinity = request.pod.spec.affinity.node_affinity
    return bool(affinity.preferred_during_scheduling_ignored_during_execution)


SCORES: tuple[Score, ...] = (
    Score(
        "TaintToleration", 3.0, Watches.NODE, lambda request: True, _of_columns(_unwanted_taints)
    ),
    Score("NodeAffinity", 2.0, Watches.NODE, _has_preference, _of_columns(_preferred)),
    Score("GroupSpread", 2.0, Watches.USAGE, lambda request: bool(request.group), group_spread),
    Score("LeastAllocated", 1.0, Watches.USAGE, lambda request: True, least_allocated),
    Score("BalancedAllocation", 1.0, Watches.USAGE, lambda request: True, balanced_allocation),
    # What a pod says it prefers outweighs what the scheduler would choose by itself.
    Score("PodTopologySpread", 4.0, Watches.CLUSTER, wants_spreading, spread_scores),
    Score("InterPodAffinity", 4.0, Watches.CLUSTER, has_preference, affinity_scores),
)
