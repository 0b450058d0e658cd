"""Node selectors and node affinity: whether a node's labels and name match."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from protos.core_v1_pb2 import Affinity, NodeSelectorRequirement, NodeSelectorTerm

Labels = Mapping[str, str]


def selector_mismatch(selector: Labels, labels: Labels) -> str:
    """The first key=value of the node selector that the labels lack, or ""."""
    for key, value in selector.items():
        if labels.get(key) != value:
            return f"{key}={value}"
    return ""


def matches_required(affinity: Affinity, name: str, labels: Labels) -> bool:
    """The required node affinity holds: one of the terms matches; no terms at all match."""
    node_affinity = affinity.node_affinity
    if not node_affinity.HasField("required_during_scheduling_ignored_during_execution"):
        return True
    terms = node_affinity.required_during_scheduling_ignored_during_execution.node_selector_terms
    return any(term_matches(term, name, labels) for term in terms)


def preference(affinity: Affinity, name: str, labels: Labels) -> float:
    """How much of the preferred node affinity's weight the node has, 0 to 1."""
    terms = affinity.node_affinity.preferred_during_scheduling_ignored_during_execution
    total = sum(term.weight for term in terms)
    if not total:
        return 0.0
    return sum(t.weight for t in terms if term_matches(t.preference, name, labels)) / total


def term_matches(term: NodeSelectorTerm, name: str, labels: Labels) -> bool:
    """All requirements of the term hold; a term without any matches nothing."""
    if not term.match_expressions and not term.match_fields:
        return False
    fields = {"metadata.name": name}
    return all(_holds(r, labels) for r in term.match_expressions) and all(
        _holds(r, fields) for r in term.match_fields
    )


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _compares(requirement: NodeSelectorRequirement, found: str, sign: int) -> bool:
    have, limit = _integer(found), _integer(requirement.values[0])
    return have is not None and limit is not None and sign * (have - limit) > 0


_OPERATORS: dict[str, Callable[[NodeSelectorRequirement, str | None], bool]] = {
    "In": lambda r, found: found is not None and found in r.values,
    "NotIn": lambda r, found: found is None or found not in r.values,
    "Exists": lambda r, found: found is not None,
    "DoesNotExist": lambda r, found: found is None,
    "Gt": lambda r, found: found is not None and _compares(r, found, 1),
    "Lt": lambda r, found: found is not None and _compares(r, found, -1),
}


def _holds(requirement: NodeSelectorRequirement, values: Labels) -> bool:
    return _OPERATORS[requirement.operator](requirement, values.get(requirement.key))
