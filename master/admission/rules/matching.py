"""Rules of what admission is asked about: resources, operations, conditions.

Expressions are not read here: that they are there is checked, not what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from master.admission.faults import (
    Path,
    duplicate,
    invalid,
    required,
    too_many,
    unsupported,
)
from master.admission.grammar import path_segment, qualified_name
from master.admission.rules.selectors import check_label_selector
from pilothouse.objects.errors import Cause
from protos.admissionregistration_v1_pb2 import (
    MatchCondition,
    MatchResources,
    NamedRuleWithOperations,
    Rule,
    RuleWithOperations,
)

FAILURE_POLICIES: Final = frozenset({"Fail", "Ignore"})
MATCH_POLICIES: Final = frozenset({"Equivalent", "Exact"})
_OPERATIONS: Final = frozenset({"*", "CONNECT", "CREATE", "DELETE", "UPDATE"})
_SCOPES: Final = frozenset({"*", "Cluster", "Namespaced"})
_MAX_CONDITIONS: Final = 64
_ALONE: Final = "if '*' is present, must not specify other {}"


def check_rule(rule: RuleWithOperations, at: Path, found: list[Cause]) -> None:
    """Operations on resources of groups and versions."""
    here = (*at, "operations")
    _check_list(rule.operations, "operations", here, found)
    for index, operation in enumerate(rule.operations):
        if operation not in _OPERATIONS:
            found.append(unsupported((*here, index), operation, _OPERATIONS))
    _check_resources_rule(rule.rule, at, found)


def _check_resources_rule(rule: Rule, at: Path, found: list[Cause]) -> None:
    _check_list(rule.api_groups, "API groups", (*at, "apiGroups"), found)
    versions = (*at, "apiVersions")
    _check_list(rule.api_versions, "API versions", versions, found)
    found.extend(
        required((*versions, index))
        for index, version in enumerate(rule.api_versions)
        if not version
    )
    _check_resources(rule.resources, (*at, "resources"), found)
    if rule.HasField("scope") and rule.scope not in _SCOPES:
        found.append(unsupported((*at, "scope"), rule.scope, _SCOPES))


def _check_list(items: Sequence[str], what: str, at: Path, found: list[Cause]) -> None:
    if not items:
        found.append(required(at))
    if len(items) > 1 and "*" in items:
        found.append(invalid(at, list(items), _ALONE.format(what)))


def _check_resources(resources: Sequence[str], at: Path, found: list[Cause]) -> None:
    if not resources:
        found.append(required(at))
    whole: set[str] = set()  # resources with all of their subresources
    everywhere: set[str] = set()  # subresources of all resources
    for index, text in enumerate(resources):
        resource, slash, sub = text.partition("/")
        if not text:
            found.append(required((*at, index)))
        if not slash:
            continue
        if resource in whole:
            why = f"if '{resource}/*' is present, must not specify {text}"
            found.append(invalid((*at, index), text, why))
        if sub in everywhere:
            why = f"if '*/{sub}' is present, must not specify {text}"
            found.append(invalid((*at, index), text, why))
        if sub == "*":
            whole.add(resource)
        if resource == "*":
            everywhere.add(sub)
    listed = list(resources)
    if len(listed) > 1 and "*/*" in listed:
        why = "if '*/*' is present, must not specify other resources"
        found.append(invalid(at, listed, why))
    if "*" in listed and any(it and it != "*" and "/" not in it for it in listed):
        why = "if '*' is present, must not specify other resources without subresources"
        found.append(invalid(at, listed, why))


def check_match(match: MatchResources, at: Path, found: list[Cause]) -> None:
    """Which requests a policy is for."""
    policy = match.match_policy
    if not match.HasField("match_policy"):
        found.append(required((*at, "matchPolicy")))
    elif policy not in MATCH_POLICIES:
        found.append(unsupported((*at, "matchPolicy"), policy, MATCH_POLICIES))
    for field, name in (
        ("namespace_selector", "namespaceSelector"),
        ("object_selector", "objectSelector"),
    ):
        if match.HasField(field):
            check_label_selector(getattr(match, field), (*at, name), found)
        else:
            found.append(required((*at, name)))
    for name, rules in (
        ("resourceRules", match.resource_rules),
        ("excludeResourceRules", match.exclude_resource_rules),
    ):
        for index, rule in enumerate(rules):
            _check_named_rule(rule, (*at, name, index), found)


def _check_named_rule(rule: NamedRuleWithOperations, at: Path, found: list[Cause]) -> None:
    seen: set[str] = set()
    for index, name in enumerate(rule.resource_names):
        here = (*at, "resourceNames", index)
        if (why := path_segment(name)) is not None:
            found.append(invalid(here, name, why))
        if name in seen:
            found.append(duplicate(here, name))
        seen.add(name)
    check_rule(rule.rule_with_operations, at, found)


def check_conditions(conditions: Iterable[MatchCondition], at: Path, found: list[Cause]) -> None:
    """Named expressions."""
    listed = list(conditions)
    if len(listed) > _MAX_CONDITIONS:
        found.append(too_many(at, len(listed), _MAX_CONDITIONS))
    seen: set[str] = set()
    for index, condition in enumerate(listed):
        here, name = (*at, index), condition.name
        if not condition.expression.strip():
            found.append(required((*here, "expression")))
        if not name:
            found.append(required((*here, "name")))
        elif (why := qualified_name(name)) is not None:
            found.append(invalid((*here, "name"), name, why))
        if name and name in seen:
            found.append(duplicate((*here, "name"), name))
        seen.add(name)
