"""Rules of roles and of who has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from master.admission.defaults.roles import GROUP, PEOPLE
from master.admission.faults import Path, invalid, required, unsupported
from master.admission.grammar import dns_subdomain, path_segment
from master.admission.rules.selectors import check_label_selector
from pilothouse.objects.errors import Cause
from protos.rbac_v1_pb2 import (
    ClusterRole,
    ClusterRoleBinding,
    PolicyRule,
    Role,
    RoleBinding,
    RoleRef,
    Subject,
)

_ACCOUNT: Final = "ServiceAccount"
_SUBJECTS: Final = PEOPLE | {_ACCOUNT}
_SELECTORS: Final[Path] = ("aggregationRule", "clusterRoleSelectors")


def check_role(role: Role, found: list[Cause]) -> None:
    """What may be done with what in a namespace."""
    _check_rules(role.rules, True, found)


def check_cluster_role(role: ClusterRole, found: list[Cause]) -> None:
    """What may be done with what; or which roles are taken together for it."""
    _check_rules(role.rules, False, found)
    if not role.HasField("aggregation_rule"):
        return
    selectors = role.aggregation_rule.cluster_role_selectors
    if not selectors:
        why = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        found.append(required(_SELECTORS, why))
    for index, selector in enumerate(selectors):
        check_label_selector(selector, (*_SELECTORS, index), found)


def check_role_binding(binding: RoleBinding, found: list[Cause]) -> None:
    """Who has which role in a namespace."""
    _check_reference(binding.role_ref, frozenset({"ClusterRole", "Role"}), found)
    _check_subjects(binding.subjects, True, found)


def check_cluster_role_binding(binding: ClusterRoleBinding, found: list[Cause]) -> None:
    """Who has which role everywhere."""
    _check_reference(binding.role_ref, frozenset({"ClusterRole"}), found)
    _check_subjects(binding.subjects, False, found)


def check_role_binding_update(new: RoleBinding, old: RoleBinding, found: list[Cause]) -> None:
    """Who has the role may change, not the role."""
    check_role_binding(new, found)
    _check_same_role(new.role_ref, old.role_ref, found)


def check_cluster_role_binding_update(
    new: ClusterRoleBinding, old: ClusterRoleBinding, found: list[Cause]
) -> None:
    """As in a namespace."""
    check_cluster_role_binding(new, found)
    _check_same_role(new.role_ref, old.role_ref, found)


def _check_same_role(new: RoleRef, old: RoleRef, found: list[Cause]) -> None:
    if new != old:
        found.append(invalid(("roleRef",), new, "cannot change roleRef"))


def _check_rules(rules: Iterable[PolicyRule], namespaced: bool, found: list[Cause]) -> None:
    for index, rule in enumerate(rules):
        at = ("rules", index)
        if not rule.verbs:
            found.append(required((*at, "verbs"), "verbs must contain at least one value"))
        if rule.non_resource_urls:
            _check_urls(rule, namespaced, (*at, "nonResourceURLs"), found)
            continue
        if not rule.api_groups:
            why = "resource rules must supply at least one api group"
            found.append(required((*at, "apiGroups"), why))
        if not rule.resources:
            why = "resource rules must supply at least one resource"
            found.append(required((*at, "resources"), why))


def _check_urls(rule: PolicyRule, namespaced: bool, at: Path, found: list[Cause]) -> None:
    urls = list(rule.non_resource_urls)
    if namespaced:
        why = "namespaced rules cannot apply to non-resource URLs"
        found.append(invalid(at, urls, why))
    if rule.api_groups or rule.resources or rule.resource_names:
        why = "rules cannot apply to both regular resources and non-resource URLs"
        found.append(invalid(at, urls, why))


def _check_reference(reference: RoleRef, kinds: frozenset[str], found: list[Cause]) -> None:
    at: Path = ("roleRef",)
    if reference.api_group != GROUP:
        found.append(unsupported((*at, "apiGroup"), reference.api_group, {GROUP}))
    if reference.kind not in kinds:
        found.append(unsupported((*at, "kind"), reference.kind, kinds))
    if not reference.name:
        found.append(required((*at, "name")))
    elif (why := path_segment(reference.name)) is not None:
        found.append(invalid((*at, "name"), reference.name, why))


def _check_subjects(subjects: Iterable[Subject], namespaced: bool, found: list[Cause]) -> None:
    for index, subject in enumerate(subjects):
        at = ("subjects", index)
        if not subject.name:
            found.append(required((*at, "name")))
        if subject.kind == _ACCOUNT:
            _check_account(subject, namespaced, at, found)
        elif subject.kind not in PEOPLE:
            found.append(unsupported((*at, "kind"), subject.kind, _SUBJECTS))
        elif subject.api_group != GROUP:
            found.append(unsupported((*at, "apiGroup"), subject.api_group, {GROUP}))


def _check_account(subject: Subject, namespaced: bool, at: Path, found: list[Cause]) -> None:
    if subject.name and (why := dns_subdomain(subject.name)) is not None:
        found.append(invalid((*at, "name"), subject.name, why))
    if subject.api_group:
        found.append(unsupported((*at, "apiGroup"), subject.api_group, {""}))
    if not namespaced and not subject.namespace:
        found.append(required((*at, "namespace")))
