"""Rules of which ends of pods make a job fail or succeed."""

from __future__ import annotations

from typing import Final

from master.admission.faults import (
    Path,
    duplicate,
    invalid,
    required,
    show,
    too_long,
    too_many,
    unsupported,
)
from master.admission.grammar import qualified_name
from master.admission.rules.counts import check_not_negative
from master.admission.rules.indexes import IndexesError, parse_indexes
from pilothouse.objects.errors import Cause
from protos.batch_v1_pb2 import (
    JobSpec,
    PodFailurePolicyOnExitCodesRequirement,
    PodFailurePolicyOnPodConditionsPattern,
    PodFailurePolicyRule,
    SuccessPolicyRule,
)

_MAX_RULES: Final = 20
_MAX_CODES: Final = 255
_MAX_PATTERNS: Final = 20
_INDEXES_LIMIT: Final = 64 * 1024  # bytes
_ACTIONS: Final = frozenset({"Count", "FailIndex", "FailJob", "Ignore"})
_OPERATORS: Final = frozenset({"In", "NotIn"})
_STATES: Final = frozenset({"False", "True", "Unknown"})


def _listed(values: frozenset[str]) -> str:
    """A set in Kubernetes' words: valid values: ["In" "NotIn"]."""
    quoted = " ".join(show(value) for value in sorted(values))
    return f"valid values: [{quoted}]"


def _check_choice(value: str, values: frozenset[str], at: Path, found: list[Cause]) -> None:
    if not value:
        found.append(required(at, _listed(values)))
    elif value not in values:
        found.append(unsupported(at, value, values))


def check_failure_policy(spec: JobSpec, at: Path, found: list[Cause]) -> None:
    """Rules, of which the first that fits decides."""
    at, rules = (*at, "rules"), spec.pod_failure_policy.rules
    if len(rules) > _MAX_RULES:
        found.append(too_many(at, len(rules), _MAX_RULES))
    pod = spec.template.spec
    names = {container.name for container in (*pod.containers, *pod.init_containers)}
    per_index = spec.HasField("backoff_limit_per_index")
    for index, rule in enumerate(rules):
        here = (*at, index)
        if rule.action == "FailIndex" and not per_index:
            why = "requires the backoffLimitPerIndex to be set"
            found.append(invalid((*here, "action"), rule.action, why))
        _check_choice(rule.action, _ACTIONS, (*here, "action"), found)
        _check_failure_rule(rule, names, here, found)


def _check_failure_rule(
    rule: PodFailurePolicyRule, names: set[str], at: Path, found: list[Cause]
) -> None:
    by_code, patterns = rule.HasField("on_exit_codes"), rule.on_pod_conditions
    if by_code:
        _check_codes(rule.on_exit_codes, names, (*at, "onExitCodes"), found)
    here = (*at, "onPodConditions")
    if len(patterns) > _MAX_PATTERNS:
        found.append(too_many(here, len(patterns), _MAX_PATTERNS))
    for index, pattern in enumerate(patterns):
        _check_pattern(pattern, (*here, index), found)
    if by_code and patterns:
        why = "specifying both OnExitCodes and OnPodConditions is not supported"
        found.append(invalid(at, rule, why))
    elif not by_code and not patterns:
        why = "specifying one of OnExitCodes and OnPodConditions is required"
        found.append(invalid(at, rule, why))


def _check_pattern(
    pattern: PodFailurePolicyOnPodConditionsPattern, at: Path, found: list[Cause]
) -> None:
    if (why := qualified_name(pattern.type)) is not None:
        found.append(invalid((*at, "type"), pattern.type, why))
    _check_choice(pattern.status, _STATES, (*at, "status"), found)


def _check_codes(
    codes: PodFailurePolicyOnExitCodesRequirement, names: set[str], at: Path, found: list[Cause]
) -> None:
    _check_choice(codes.operator, _OPERATORS, (*at, "operator"), found)
    if codes.HasField("container_name") and codes.container_name not in names:
        why = "must be one of the container or initContainer names in the pod template"
        found.append(invalid((*at, "containerName"), codes.container_name, why))
    values, here = list(codes.values), (*at, "values")
    if not values:
        found.append(invalid(here, values, "at least one value is required"))
    elif len(values) > _MAX_CODES:
        found.append(too_many(here, len(values), _MAX_CODES))
    seen: set[int] = set()
    for index, value in enumerate(values):
        if codes.operator == "In" and value == 0:
            found.append(invalid((*here, index), value, "must not be 0 for the In operator"))
        if value in seen:
            found.append(duplicate((*here, index), value))
        seen.add(value)
    if values != sorted(values):
        found.append(invalid(here, values, "must be ordered"))


def check_success_policy(spec: JobSpec, at: Path, found: list[Cause]) -> None:
    """Rules, of which one that is met is enough."""
    at, rules = (*at, "rules"), spec.success_policy.rules
    if not rules:
        why = "at least one rules must be specified when the successPolicy is specified"
        found.append(required(at, why))
    if len(rules) > _MAX_RULES:
        found.append(too_many(at, len(rules), _MAX_RULES))
    for index, rule in enumerate(rules):
        _check_success_rule(rule, spec.completions, (*at, index), found)


def _check_success_rule(
    rule: SuccessPolicyRule, completions: int, at: Path, found: list[Cause]
) -> None:
    counted, indexed = rule.HasField("succeeded_count"), rule.HasField("succeeded_indexes")
    if not counted and not indexed:
        why = "at least one of succeededCount or succeededIndexes must be specified"
        found.append(required(at, why))
    chosen = _chosen(rule, completions, (*at, "succeededIndexes"), found) if indexed else 0
    if not counted:
        return
    count, here = rule.succeeded_count, (*at, "succeededCount")
    check_not_negative(count, here, found)
    if count > completions:
        why = f"must be less than or equal to {completions} (the number of specified completions)"
        found.append(invalid(here, count, why))
    if indexed and count > chosen:
        why = (
            f"must be less than or equal to {chosen} (the number of indexes in the specified "
            "succeededIndexes field)"
        )
        found.append(invalid(here, count, why))


def _chosen(rule: SuccessPolicyRule, completions: int, at: Path, found: list[Cause]) -> int:
    """How many indexes the rule names."""
    text = rule.succeeded_indexes
    if len(text.encode()) > _INDEXES_LIMIT:
        found.append(too_long(at, _INDEXES_LIMIT))
    try:
        return sum(len(part) for part in parse_indexes(text, completions))
    except IndexesError as error:
        found.append(invalid(at, text, f"error parsing succeededIndexes: {error}"))
        return 0
