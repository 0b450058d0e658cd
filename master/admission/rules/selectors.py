"""Rules of label selectors and node selectors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from master.admission.faults import Path, forbidden, invalid, required
from master.admission.grammar import dns_subdomain, label_value, qualified_name
from master.admission.rules.metadata import check_labels
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from protos.meta_v1_pb2 import LabelSelector, LabelSelectorRequirement

_WITH_VALUES: Final = frozenset({"In", "NotIn"})
_WITHOUT_VALUES: Final = frozenset({"Exists", "DoesNotExist"})
_ONE_VALUE: Final = frozenset({"Gt", "Lt"})
_NODE_OPERATORS: Final = _WITH_VALUES | _WITHOUT_VALUES | _ONE_VALUE
_NODE_FIELD: Final = "metadata.name"


def check_label_selector(selector: LabelSelector, at: Path, found: list[Cause]) -> None:
    """Labels to match and expressions."""
    if selector.match_labels:
        check_labels(selector.match_labels, (*at, "matchLabels"), found)
    for index, requirement in enumerate(selector.match_expressions):
        _check_requirement(requirement, (*at, "matchExpressions", index), found)


def _check_requirement(requirement: LabelSelectorRequirement, at: Path, found: list[Cause]) -> None:
    operator = requirement.operator
    if operator in _WITH_VALUES:
        if not requirement.values:
            why = "must be specified when `operator` is 'In' or 'NotIn'"
            found.append(required((*at, "values"), why))
    elif operator in _WITHOUT_VALUES:
        if requirement.values:
            why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            found.append(forbidden((*at, "values"), why))
    else:
        found.append(invalid((*at, "operator"), operator, "not a valid selector operator"))
    if (fault := qualified_name(requirement.key)) is not None:
        found.append(invalid((*at, "key"), requirement.key, fault))
    for index, value in enumerate(requirement.values):
        if (fault := label_value(value)) is not None:
            found.append(invalid((*at, "values", index), value, fault))


def check_node_selector(selector: NodeSelector, at: Path, found: list[Cause]) -> None:
    """At least one term; terms are alternatives."""
    at = (*at, "nodeSelectorTerms")
    if not selector.node_selector_terms:
        found.append(required(at, "must have at least one node selector term"))
    for index, term in enumerate(selector.node_selector_terms):
        check_node_term(term, (*at, index), found)


def check_node_term(
    term: NodeSelectorTerm, at: Path, found: list[Cause], *, values: bool = True
) -> None:
    """Expressions on a node's labels and on its name; values: they must be label values."""
    for index, requirement in enumerate(term.match_expressions):
        here = (*at, "matchExpressions", index)
        _check_node_label(requirement, here, found)
        if values:
            _check_values(requirement.values, (*here, "values"), found)
    for index, requirement in enumerate(term.match_fields):
        _check_node_field(requirement, (*at, "matchFields", index), found)


def _check_node_label(requirement: NodeSelectorRequirement, at: Path, found: list[Cause]) -> None:
    operator, count = requirement.operator, len(requirement.values)
    values = (*at, "values")
    if operator in _WITH_VALUES:
        if not count:
            found.append(required(values, "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in _WITHOUT_VALUES:
        if count:
            why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            found.append(forbidden(values, why))
    elif operator in _ONE_VALUE:
        if count != 1:
            why = "must be specified single value when `operator` is 'Lt' or 'Gt'"
            found.append(required(values, why))
    else:
        found.append(invalid((*at, "operator"), operator, "not a valid selector operator"))
    if (fault := qualified_name(requirement.key)) is not None:
        found.append(invalid((*at, "key"), requirement.key, fault))


def _check_values(values: Iterable[str], at: Path, found: list[Cause]) -> None:
    for index, value in enumerate(values):
        if (why := label_value(value)) is not None:
            found.append(invalid((*at, index), value, why))


def _check_node_field(requirement: NodeSelectorRequirement, at: Path, found: list[Cause]) -> None:
    if requirement.operator not in _WITH_VALUES:
        found.append(
            invalid((*at, "operator"), requirement.operator, "not a valid selector operator")
        )
    elif len(requirement.values) != 1:
        why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        found.append(required((*at, "values"), why))
    if requirement.key != _NODE_FIELD:
        found.append(invalid((*at, "key"), requirement.key, "not a valid field selector key"))
        return
    for index, value in enumerate(requirement.values):
        if (why_not := dns_subdomain(value)) is not None:
            found.append(invalid((*at, "values", index), value, why_not))
