"""Rules of validating admission policies and of their bindings.

Expressions are not read here: that they are there is checked, not what they say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from master.admission.faults import (
    Path,
    duplicate,
    forbidden,
    invalid,
    required,
    unsupported,
)
from master.admission.grammar import (
    dns_label_1035,
    dns_subdomain,
    path_segment,
    qualified_name,
)
from master.admission.rules.matching import FAILURE_POLICIES, check_conditions, check_match
from master.admission.rules.selectors import check_label_selector
from pilothouse.objects.errors import Cause
from protos.admissionregistration_v1_pb2 import (
    AuditAnnotation,
    ParamKind,
    ParamRef,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
    ValidatingAdmissionPolicySpec,
    Validation,
    Variable,
)

_SPEC: Final[Path] = ("spec",)
_REASONS: Final = frozenset({"Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"})
_ACTIONS: Final = frozenset({"Audit", "Deny", "Warn"})
_NOT_FOUND: Final = frozenset({"Allow", "Deny"})
_MAX_ANNOTATIONS: Final = 20
_VALUE_LIMIT: Final = 5 * 1024  # bytes
_IDENTIFIER: Final = re.compile("[_a-zA-Z][_a-zA-Z0-9]*", re.ASCII)
_RESERVED: Final = frozenset(
    ["true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function"]
    + ["if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while"]
)
_SOMETHING: Final = "validations or auditAnnotations must contain at least one item"
_EXCLUSIVE: Final = "name and selector are mutually exclusive"
_TWICE: Final = (
    "must not contain both Deny and Warn (repeating the same validation failure information in "
    "the API response and headers serves no purpose)"
)


def check_policy(policy: ValidatingAdmissionPolicy, found: list[Cause]) -> None:
    """Which requests it is for, and what they must satisfy."""
    spec = policy.spec
    if not spec.HasField("failure_policy"):
        found.append(required((*_SPEC, "failurePolicy")))
    elif spec.failure_policy not in FAILURE_POLICIES:
        at = (*_SPEC, "failurePolicy")
        found.append(unsupported(at, spec.failure_policy, FAILURE_POLICIES))
    if spec.HasField("param_kind"):
        _check_kind(spec.param_kind, (*_SPEC, "paramKind"), found)
    _check_constraints(spec, (*_SPEC, "matchConstraints"), found)
    check_conditions(spec.match_conditions, (*_SPEC, "matchConditions"), found)
    for index, variable in enumerate(spec.variables):
        _check_variable(variable, (*_SPEC, "variables", index), found)
    if not spec.validations and not spec.audit_annotations:
        found.append(required((*_SPEC, "validations"), _SOMETHING))
        found.append(required((*_SPEC, "auditAnnotations"), _SOMETHING))
    for index, validation in enumerate(spec.validations):
        _check_validation(validation, (*_SPEC, "validations", index), found)
    at = (*_SPEC, "auditAnnotations")
    _check_annotations(policy.metadata.name, spec.audit_annotations, at, found)


def check_policy_update(
    new: ValidatingAdmissionPolicy, old: ValidatingAdmissionPolicy, found: list[Cause]
) -> None:
    """Everything may change."""
    if new.spec != old.spec:
        check_policy(new, found)


def _check_kind(kind: ParamKind, at: Path, found: list[Cause]) -> None:
    version, here = kind.api_version, (*at, "apiVersion")
    if not version:
        found.append(required(here))
    elif version.count("/") > 1:
        found.append(invalid(here, version, f"unexpected GroupVersion string: {version}"))
    else:
        group, slash, name = version.rpartition("/")
        if slash and (why := dns_subdomain(group)) is not None:
            found.append(invalid(here, group, why))
        if (why := dns_label_1035(name)) is not None:
            found.append(invalid(here, name, why))
    if not kind.kind:
        found.append(required((*at, "kind")))
    elif (why := dns_label_1035(kind.kind.lower())) is not None:
        mixed = f"may have mixed case, but should otherwise match: {why}"
        found.append(invalid((*at, "kind"), kind.kind, mixed))


def _check_constraints(spec: ValidatingAdmissionPolicySpec, at: Path, found: list[Cause]) -> None:
    if not spec.HasField("match_constraints"):
        found.append(required(at))
        return
    check_match(spec.match_constraints, at, found)
    if not spec.match_constraints.resource_rules:
        found.append(required((*at, "resourceRules")))


def _check_variable(variable: Variable, at: Path, found: list[Cause]) -> None:
    name = variable.name
    if not name.strip():
        found.append(required((*at, "name"), "name is not specified"))
    elif not _IDENTIFIER.fullmatch(name) or name in _RESERVED:
        found.append(invalid((*at, "name"), name, "name is not a valid CEL identifier"))
    if not variable.expression.strip():
        found.append(required((*at, "expression"), "expression is not specified"))


def _check_validation(validation: Validation, at: Path, found: list[Cause]) -> None:
    if not validation.expression.strip():
        found.append(required((*at, "expression"), "expression is not specified"))
    told = validation.message_expression
    if told and not told.strip():
        found.append(invalid((*at, "messageExpression"), told, "must be non-empty if specified"))
    message, here = validation.message, (*at, "message")
    if message and not message.strip():
        found.append(invalid(here, message, "message must be non-empty if specified"))
    elif _has_lines(message.strip()):
        found.append(invalid(here, message, "message must not contain line breaks"))
    elif _has_lines(validation.expression.strip()) and not message:
        why = "message must be specified if expression contains line breaks"
        found.append(required(here, why))
    if validation.HasField("reason") and validation.reason not in _REASONS:
        found.append(unsupported((*at, "reason"), validation.reason, _REASONS))


def _has_lines(text: str) -> bool:
    return "\n" in text or "\r" in text


def _check_annotations(
    policy: str, annotations: Iterable[AuditAnnotation], at: Path, found: list[Cause]
) -> None:
    listed = list(annotations)
    if len(listed) > _MAX_ANNOTATIONS:
        why = f"must not have more than {_MAX_ANNOTATIONS} auditAnnotations"
        found.append(invalid(at, len(listed), why))
    seen: set[str] = set()
    for index, annotation in enumerate(listed):
        here, key = (*at, index), annotation.key
        if (fault := qualified_name(f"{policy}/{key}" if policy else key)) is not None:
            found.append(invalid((*here, "key"), key, fault))
        if key in seen:
            found.append(duplicate((*here, "key"), key))
        seen.add(key)
        value = annotation.value_expression.strip()
        if not value:
            why = "valueExpression is not specified"
            found.append(required((*here, "valueExpression"), why))
        elif len(value.encode()) > _VALUE_LIMIT:
            why = f"must not exceed {_VALUE_LIMIT} bytes in length"
            found.append(required((*here, "valueExpression"), why))


def check_binding(binding: ValidatingAdmissionPolicyBinding, found: list[Cause]) -> None:
    """Where a policy holds, with which parameters, and what happens when it is broken."""
    spec, at = binding.spec, (*_SPEC, "policyName")
    if not spec.policy_name:
        found.append(required(at))
    elif (why := dns_subdomain(spec.policy_name)) is not None:
        found.append(invalid(at, spec.policy_name, why))
    if spec.HasField("param_ref"):
        _check_reference(spec.param_ref, (*_SPEC, "paramRef"), found)
    if spec.HasField("match_resources"):
        check_match(spec.match_resources, (*_SPEC, "matchResources"), found)
    _check_actions(spec.validation_actions, (*_SPEC, "validationActions"), found)


def check_binding_update(
    new: ValidatingAdmissionPolicyBinding,
    old: ValidatingAdmissionPolicyBinding,
    found: list[Cause],
) -> None:
    """Everything may change."""
    if new.spec != old.spec:
        check_binding(new, found)


def _check_reference(reference: ParamRef, at: Path, found: list[Cause]) -> None:
    name, selected = reference.name, reference.HasField("selector")
    if name:
        if (why := path_segment(name)) is not None:
            found.append(invalid((*at, "name"), name, why))
        if selected:
            found.append(forbidden((*at, "name"), _EXCLUSIVE))
            found.append(forbidden((*at, "selector"), _EXCLUSIVE))
    elif not selected:
        found.append(required(at, "one of name or selector must be specified"))
    check_label_selector(reference.selector, (*at, "selector"), found)
    action, here = reference.parameter_not_found_action, (*at, "parameterNotFoundAction")
    if not action:
        found.append(required(here))
    elif action not in _NOT_FOUND:
        found.append(unsupported(here, action, _NOT_FOUND))


def _check_actions(actions: Iterable[str], at: Path, found: list[Cause]) -> None:
    seen: set[str] = set()
    for action in actions:
        if action not in _ACTIONS:
            found.append(unsupported(at, action, _ACTIONS))
        if action in seen:
            found.append(duplicate(at, action))
        seen.add(action)
    if not seen:
        found.append(required(at))
    if {"Deny", "Warn"} <= seen:
        found.append(invalid(at, sorted(seen), _TWICE))
