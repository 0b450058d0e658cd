"""Rules of what decides where a pod runs: tolerations, affinity, spread, gates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from master.admission.faults import Path, duplicate, forbidden, invalid, required, unsupported
from master.admission.grammar import dns_label, label_value, qualified_name
from master.admission.rules.selectors import (
    check_label_selector,
    check_node_selector,
    check_node_term,
)
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import (
    Affinity,
    NodeAffinity,
    PodAffinity,
    PodAffinityTerm,
    PodAntiAffinity,
    PodSchedulingGate,
    Toleration,
    TopologySpreadConstraint,
)
from protos.meta_v1_pb2 import LabelSelector

TAINT_EFFECTS: Final = frozenset({"NoExecute", "NoSchedule", "PreferNoSchedule"})
_OPERATORS: Final = frozenset({"Equal", "Exists"})
_UNSATISFIABLE: Final = frozenset({"DoNotSchedule", "ScheduleAnyway"})
_SPREAD_POLICIES: Final = frozenset({"Honor", "Ignore"})
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"


def check_tolerations(tolerations: Iterable[Toleration], at: Path, found: list[Cause]) -> None:
    """Which taints the pod stands."""
    for index, toleration in enumerate(tolerations):
        _check_toleration(toleration, (*at, index), found)


def _check_toleration(toleration: Toleration, at: Path, found: list[Cause]) -> None:
    key, operator, value = toleration.key, toleration.operator, toleration.value
    effect = toleration.effect
    if key:
        if (why := qualified_name(key)) is not None:
            found.append(invalid((*at, "key"), key, why))
    elif operator != "Exists":
        why = (
            "operator must be Exists when `key` is empty, which means "
            '"match all values and all keys"'
        )
        found.append(invalid((*at, "operator"), operator, why))
    if effect != "NoExecute" and toleration.HasField("toleration_seconds"):
        why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        found.append(invalid((*at, "effect"), effect, why))
    if operator in ("Equal", ""):
        if value and (why := label_value(value)) is not None:
            found.append(invalid((*at, "operator"), value, why))
    elif operator == "Exists":
        if value:
            why = "value must be empty when `operator` is 'Exists'"
            found.append(invalid((*at, "operator"), toleration, why))
    else:
        found.append(unsupported((*at, "operator"), operator, _OPERATORS))
    if effect and effect not in TAINT_EFFECTS:
        found.append(unsupported((*at, "effect"), effect, TAINT_EFFECTS))


def check_affinity(affinity: Affinity, at: Path, found: list[Cause]) -> None:
    """Attraction to nodes and pods, and its opposite."""
    if affinity.HasField("node_affinity"):
        _check_node_affinity(affinity.node_affinity, (*at, "nodeAffinity"), found)
    if affinity.HasField("pod_affinity"):
        _check_pod_affinity(affinity.pod_affinity, (*at, "podAffinity"), found)
    if affinity.HasField("pod_anti_affinity"):
        _check_pod_affinity(affinity.pod_anti_affinity, (*at, "podAntiAffinity"), found)


def _check_node_affinity(affinity: NodeAffinity, at: Path, found: list[Cause]) -> None:
    if affinity.HasField("required_during_scheduling_ignored_during_execution"):
        selector = affinity.required_during_scheduling_ignored_during_execution
        check_node_selector(selector, (*at, _REQUIRED), found)
    preferred = affinity.preferred_during_scheduling_ignored_during_execution
    for index, term in enumerate(preferred):
        here = (*at, _PREFERRED, index)
        _check_weight(term.weight, here, found)
        # A preference for what no label can be is merely never met.
        check_node_term(term.preference, (*here, "preference"), found, values=False)


def _check_weight(weight: int, at: Path, found: list[Cause]) -> None:
    if not 1 <= weight <= 100:
        found.append(invalid((*at, "weight"), weight, "must be in the range 1-100"))


def _check_pod_affinity(
    affinity: PodAffinity | PodAntiAffinity, at: Path, found: list[Cause]
) -> None:
    terms = affinity.required_during_scheduling_ignored_during_execution
    for index, term in enumerate(terms):
        _check_pod_term(term, (*at, _REQUIRED, index), found)
    weighted = affinity.preferred_during_scheduling_ignored_during_execution
    for index, preferred in enumerate(weighted):
        here = (*at, _PREFERRED, index)
        _check_weight(preferred.weight, here, found)
        _check_pod_term(preferred.pod_affinity_term, (*here, "podAffinityTerm"), found)


def _check_pod_term(term: PodAffinityTerm, at: Path, found: list[Cause]) -> None:
    if term.HasField("label_selector"):
        check_label_selector(term.label_selector, (*at, "labelSelector"), found)
    if term.HasField("namespace_selector"):
        check_label_selector(term.namespace_selector, (*at, "namespaceSelector"), found)
    for index, namespace in enumerate(term.namespaces):
        if (why := dns_label(namespace)) is not None:
            found.append(invalid((*at, "namespaces", index), namespace, why))
    _check_topology_key(term.topology_key, (*at, "topologyKey"), found)
    selector = term.label_selector if term.HasField("label_selector") else None
    _check_label_keys(term.match_label_keys, selector, (*at, "matchLabelKeys"), found)
    _check_label_keys(term.mismatch_label_keys, selector, (*at, "mismatchLabelKeys"), found)
    both = set(term.match_label_keys) & set(term.mismatch_label_keys)
    for index, key in enumerate(term.match_label_keys):
        if key in both:
            why = "exists in both matchLabelKeys and mismatchLabelKeys"
            found.append(invalid((*at, "matchLabelKeys", index), key, why))


def _check_topology_key(key: str, at: Path, found: list[Cause]) -> None:
    if not key:
        found.append(required(at, "can not be empty"))
    elif (why := qualified_name(key)) is not None:
        found.append(invalid(at, key, why))


def _check_label_keys(
    keys: Iterable[str], selector: LabelSelector | None, at: Path, found: list[Cause]
) -> None:
    """Keys whose values come from the incoming pod; they join a selector, not repeat it."""
    for index, key in enumerate(keys):
        here = (*at, index)
        if selector is None:
            found.append(forbidden(here, "must not be specified when labelSelector is not set"))
        if (why := qualified_name(key)) is not None:
            found.append(invalid(here, key, why))


def check_spread(
    constraints: Iterable[TopologySpreadConstraint], at: Path, found: list[Cause]
) -> None:
    """How evenly pods lie over topology domains."""
    seen: set[tuple[str, str]] = set()
    for index, constraint in enumerate(constraints):
        here = (*at, index)
        pair = (constraint.topology_key, constraint.when_unsatisfiable)
        if pair in seen:
            found.append(duplicate(here, f"{{{pair[0]}, {pair[1]}}}"))
        seen.add(pair)
        _check_constraint(constraint, here, found)


def _check_constraint(constraint: TopologySpreadConstraint, at: Path, found: list[Cause]) -> None:
    if constraint.max_skew <= 0:
        found.append(invalid((*at, "maxSkew"), constraint.max_skew, "must be greater than zero"))
    _check_topology_key(constraint.topology_key, (*at, "topologyKey"), found)
    action = constraint.when_unsatisfiable
    if action not in _UNSATISFIABLE:
        found.append(unsupported((*at, "whenUnsatisfiable"), action, _UNSATISFIABLE))
    if constraint.HasField("min_domains"):
        _check_min_domains(constraint.min_domains, action, (*at, "minDomains"), found)
    for field, name in (
        ("node_affinity_policy", "nodeAffinityPolicy"),
        ("node_taints_policy", "nodeTaintsPolicy"),
    ):
        if constraint.HasField(field):
            value = getattr(constraint, field)
            if value not in _SPREAD_POLICIES:
                found.append(unsupported((*at, name), value, _SPREAD_POLICIES))
    selector = constraint.label_selector if constraint.HasField("label_selector") else None
    _check_label_keys(constraint.match_label_keys, selector, (*at, "matchLabelKeys"), found)
    if selector is not None:
        check_label_selector(selector, (*at, "labelSelector"), found)
        _check_overlap(constraint, (*at, "matchLabelKeys"), found)


def _check_min_domains(number: int, action: str, at: Path, found: list[Cause]) -> None:
    if number <= 0:
        found.append(invalid(at, number, "must be greater than zero"))
    if action != "DoNotSchedule":
        why = f'can only use minDomains if whenUnsatisfiable=DoNotSchedule, not "{action}"'
        found.append(invalid(at, number, why))


def _check_overlap(constraint: TopologySpreadConstraint, at: Path, found: list[Cause]) -> None:
    selector = constraint.label_selector
    selected = set(selector.match_labels)
    selected.update(requirement.key for requirement in selector.match_expressions)
    for index, key in enumerate(constraint.match_label_keys):
        if key in selected:
            why = "exists in both matchLabelKeys and labelSelector"
            found.append(invalid((*at, index), key, why))


def check_gates(gates: Iterable[PodSchedulingGate], at: Path, found: list[Cause]) -> None:
    """Names of what the pod waits for before it is scheduled."""
    seen: set[str] = set()
    for index, gate in enumerate(gates):
        if (why := qualified_name(gate.name)) is not None:
            found.append(invalid((*at, index), gate.name, why))
        if gate.name in seen:
            found.append(duplicate((*at, index), gate.name))
        seen.add(gate.name)
