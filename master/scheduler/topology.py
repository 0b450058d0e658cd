"""Rules that look at pods on other nodes: spreading over domains, affinity between pods.

A domain is the set of nodes with one value of a topology key. Counting matching pods costs a
pass over the placed pods of the namespaces concerned, for pods that use these rules only.
Of a namespace that has not been seen yet only its name is known, as kubernetes.io/metadata.name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from master.scheduler.affinity import matches_required, selector_mismatch
from master.scheduler.request import Request
from master.scheduler.snapshot import Column, Snapshot
from master.scheduler.verdict import Reason
from pilothouse.objects.selectors import LabelSelector as Selector
from pilothouse.objects.tolerations import tolerates
from protos.core_v1_pb2 import PodAffinityTerm, TopologySpreadConstraint

NAMESPACE_LABEL = "kubernetes.io/metadata.name"

Domains = Counter[str]


def is_constrained(request: Request, snapshot: Snapshot) -> bool:
    """The pod has rules about other pods, or a placed pod has one that could refuse it."""
    affinity = request.pod.spec.affinity
    return (
        bool(snapshot.repelling)
        or affinity.HasField("pod_affinity")
        or affinity.HasField("pod_anti_affinity")
    )


def domain_of(snapshot: Snapshot, slot: int, key: str) -> str | None:
    """The node's value of the topology key."""
    column = snapshot.columns[slot]
    return None if column is None else column.labels.get(key)


def _covers(
    snapshot: Snapshot, term: PodAffinityTerm, owner_namespace: str, namespace: str
) -> bool:
    if namespace in term.namespaces:
        return True
    if term.HasField("namespace_selector"):
        labels = snapshot.namespace_labels.get(namespace, {NAMESPACE_LABEL: namespace})
        return Selector.of(term.namespace_selector).matches(labels)
    return not term.namespaces and namespace == owner_namespace


def _selects(snapshot: Snapshot, term: PodAffinityTerm, owner: Request, other: Request) -> bool:
    if not _covers(snapshot, term, owner.key[0], other.key[0]):
        return False
    # Without a labelSelector a term selects no pod; an empty one selects all.
    if not term.HasField("label_selector"):
        return False
    return Selector.of(term.label_selector).matches(other.pod.metadata.labels)


def _candidates(snapshot: Snapshot, term: PodAffinityTerm, owner: Request) -> Iterable[Request]:
    if term.HasField("namespace_selector"):
        namespaces: Iterable[str] = tuple(snapshot.namespaces)
    else:
        namespaces = term.namespaces or (owner.key[0],)
    for namespace in namespaces:
        yield from snapshot.namespaces.get(namespace, {}).values()


def matching_domains(snapshot: Snapshot, term: PodAffinityTerm, owner: Request) -> Domains:
    """How many placed pods of each domain the term selects."""
    found: Domains = Counter()
    for other in _candidates(snapshot, term, owner):
        if _selects(snapshot, term, owner, other):
            domain = domain_of(snapshot, snapshot.slot_of(other.key), term.topology_key)
            if domain is not None:
                found[domain] += 1
    return found


def _required(request: Request, *, anti: bool) -> Iterable[PodAffinityTerm]:
    affinity = request.pod.spec.affinity
    rules = affinity.pod_anti_affinity if anti else affinity.pod_affinity
    return rules.required_during_scheduling_ignored_during_execution


def affinity_passes(
    request: Request, snapshot: Snapshot, slots: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Required affinity and anti-affinity hold, in both directions."""
    passes = np.ones(len(slots), dtype=bool)
    for term in _required(request, anti=False):
        domains = matching_domains(snapshot, term, request)
        # The first pod of a group that wants to be together may go anywhere with the key.
        first = not domains and _selects(snapshot, term, request, request)
        for i, slot in enumerate(slots.tolist()):
            domain = domain_of(snapshot, slot, term.topology_key)
            passes[i] &= domain is not None and (first or domains[domain] > 0)
    for term in _required(request, anti=True):
        _refuse(
            passes, snapshot, slots, term.topology_key, matching_domains(snapshot, term, request)
        )
    for other in snapshot.repelling.values():
        for term in _required(other, anti=True):
            if other.key != request.key and _selects(snapshot, term, other, request):
                domain = domain_of(snapshot, snapshot.slot_of(other.key), term.topology_key)
                if domain is not None:
                    _refuse(passes, snapshot, slots, term.topology_key, Counter([domain]))
    return passes


def _refuse(
    passes: NDArray[np.bool_],
    snapshot: Snapshot,
    slots: NDArray[np.intp],
    key: str,
    domains: Domains,
) -> None:
    for i, slot in enumerate(slots.tolist()):
        domain = domain_of(snapshot, slot, key)
        if domain is not None and domains[domain]:
            passes[i] = False


def affinity_reason(request: Request, snapshot: Snapshot, slot: int) -> Reason:
    """Which of the rules refused the node."""
    one = np.array([slot])
    for term in _required(request, anti=False):
        domains = matching_domains(snapshot, term, request)
        domain = domain_of(snapshot, slot, term.topology_key)
        if domain is None or not (domains[domain] or not domains):
            return Reason("node(s) didn't match pod affinity rules", term.topology_key)
    for term in _required(request, anti=True):
        passes = np.ones(1, dtype=bool)
        _refuse(passes, snapshot, one, term.topology_key, matching_domains(snapshot, term, request))
        if not passes[0]:
            return Reason("node(s) didn't match pod anti-affinity rules", term.topology_key)
    return Reason("node(s) didn't satisfy existing pods anti-affinity rules", "")


def _hard(request: Request) -> Iterable[TopologySpreadConstraint]:
    constraints = request.pod.spec.topology_spread_constraints
    return (c for c in constraints if c.when_unsatisfiable == "DoNotSchedule")


def spread_counts(
    request: Request, snapshot: Snapshot, constraint: TopologySpreadConstraint
) -> Domains:
    """Matching pods per domain, over the nodes that the pod could use; also the empty ones."""
    labels = request.pod.metadata.labels
    selector = Selector.of(constraint.label_selector)
    same = {key: labels[key] for key in constraint.match_label_keys if key in labels}
    counts: Domains = Counter()
    for slot in snapshot.slots.values():
        column = snapshot.column(slot)
        domain = column.labels.get(constraint.topology_key)
        if domain is None or not _eligible(request, column, constraint):
            continue
        counts[domain] += sum(
            key[0] == request.key[0]
            and selector.matches(other.pod.metadata.labels)
            and not selector_mismatch(same, other.pod.metadata.labels)
            for key, other in column.pods.items()
        )
    return counts


def _is_closed(request: Request, column: Column) -> bool:
    closing = (taint for taint in column.taints if taint.effect != "PreferNoSchedule")
    return any(not any(tolerates(t, taint) for t in request.tolerations) for taint in closing)


def _eligible(request: Request, column: Column, constraint: TopologySpreadConstraint) -> bool:
    if constraint.node_taints_policy == "Honor" and _is_closed(request, column):
        return False
    if constraint.node_affinity_policy == "Ignore":
        return True
    return not selector_mismatch(request.node_selector, column.labels) and matches_required(
        request.pod.spec.affinity, column.name, column.labels
    )


def _skew_ok(
    counts: Domains, domain: str | None, constraint: TopologySpreadConstraint, own: int
) -> bool:
    if domain is None or domain not in counts:
        return False
    least = min(counts.values())
    if constraint.HasField("min_domains") and len(counts) < constraint.min_domains:
        least = 0
    return counts[domain] + own - least <= constraint.max_skew


def spread_passes(
    request: Request, snapshot: Snapshot, slots: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """No hard constraint's skew would be exceeded."""
    passes = np.ones(len(slots), dtype=bool)
    for constraint in _hard(request):
        counts = spread_counts(request, snapshot, constraint)
        own = int(Selector.of(constraint.label_selector).matches(request.pod.metadata.labels))
        for i, slot in enumerate(slots.tolist()):
            domain = domain_of(snapshot, slot, constraint.topology_key)
            passes[i] &= _skew_ok(counts, domain, constraint, own)
    return passes


def spread_reason(request: Request, snapshot: Snapshot, slot: int) -> Reason:
    """Which constraint refused the node."""
    for constraint in _hard(request):
        domain = domain_of(snapshot, slot, constraint.topology_key)
        if domain is None:
            return Reason(
                "node(s) didn't match pod topology spread constraints (missing required label)",
                constraint.topology_key,
            )
    return Reason("node(s) didn't match pod topology spread constraints", "maxSkew exceeded")
