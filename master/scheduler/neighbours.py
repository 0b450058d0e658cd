"""How good a node is for what runs elsewhere: soft spreading, preferred affinity between pods.

As in scores.py a node is worth 0 to 100 by itself, so that values compare whichever nodes are
asked about. They depend on pods anywhere, and are worked out anew for each pod that wants them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from master.scheduler.request import Request
from master.scheduler.snapshot import Snapshot
from master.scheduler.topology import domain_of, matching_domains, spread_counts
from protos.core_v1_pb2 import TopologySpreadConstraint, WeightedPodAffinityTerm

Scores = NDArray[np.float64]


def _soft(request: Request) -> list[TopologySpreadConstraint]:
    constraints = request.pod.spec.topology_spread_constraints
    return [c for c in constraints if c.when_unsatisfiable == "ScheduleAnyway"]


def wants_spreading(request: Request) -> bool:
    """The pod has a constraint that may be broken."""
    return bool(_soft(request))


def spread_scores(request: Request, snapshot: Snapshot, slots: NDArray[np.intp]) -> Scores:
    """100 where the fewest matching pods are, less with each one more; 0 without the label."""
    scores = np.zeros(len(slots))
    constraints = _soft(request)
    for constraint in constraints:
        counts = spread_counts(request, snapshot, constraint)
        least = min(counts.values(), default=0)
        for i, slot in enumerate(slots.tolist()):
            domain = domain_of(snapshot, slot, constraint.topology_key)
            if domain is not None and domain in counts:
                scores[i] += 100.0 / (1.0 + counts[domain] - least)
    return scores / len(constraints)


def _preferred(request: Request, *, anti: bool) -> Iterable[WeightedPodAffinityTerm]:
    affinity = request.pod.spec.affinity
    rules = affinity.pod_anti_affinity if anti else affinity.pod_affinity
    return rules.preferred_during_scheduling_ignored_during_execution


def has_preference(request: Request) -> bool:
    """The pod would rather be near to, or far from, other pods."""
    return any(_preferred(request, anti=True)) or any(_preferred(request, anti=False))


def affinity_scores(request: Request, snapshot: Snapshot, slots: NDArray[np.intp]) -> Scores:
    """The share of the preferences' weight that the node meets: friends count the more the
    more they are, and so do those to keep away from."""
    scores = np.zeros(len(slots))
    total = 0
    for anti in (False, True):
        for rule in _preferred(request, anti=anti):
            total += rule.weight
            term = rule.pod_affinity_term
            domains = matching_domains(snapshot, term, request)
            for i, slot in enumerate(slots.tolist()):
                domain = domain_of(snapshot, slot, term.topology_key)
                met = _met(0 if domain is None else domains[domain], anti=anti)
                scores[i] += rule.weight * met
    return 100.0 * scores / total


def _met(pods: int, *, anti: bool) -> float:
    alone = 1.0 / (1.0 + pods)
    return alone if anti else 1.0 - alone
