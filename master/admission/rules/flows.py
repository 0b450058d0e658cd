"""Rules of flow schemas and priority levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from master.admission.faults import Path, forbidden, invalid, required, unsupported
from pilothouse.objects.errors import Cause
from protos.flowcontrol_v1_pb2 import (
    FlowSchema,
    LimitedPriorityLevelConfiguration,
    LimitResponse,
    PolicyRulesWithSubjects,
    PriorityLevelConfiguration,
    QueuingConfiguration,
    Subject,
)

MAX_PRECEDENCE: Final = 10_000
MAX_QUEUES: Final = 10_000_000
EXEMPT: Final = "exempt"  # the one schema that comes before all others
_METHODS: Final = ("ByNamespace", "ByUser")
_LEVELS: Final = ("Exempt", "Limited")
_RESPONSES: Final = ("Queue", "Reject")
# The kind of a subject, its field in JSON and in the message.
_SUBJECTS: Final = {
    "Group": ("group", "group"),
    "ServiceAccount": ("serviceAccount", "service_account"),
    "User": ("user", "user"),
}
_SPEC: Final[Path] = ("spec",)


def check_flow_schema(schema: FlowSchema, found: list[Cause]) -> None:
    """A level, a place in the order, and rules that say something."""
    spec, precedence = schema.spec, schema.spec.matching_precedence
    at = (*_SPEC, "matchingPrecedence")
    if precedence <= 0:
        found.append(invalid(at, precedence, "must be a positive value"))
    elif precedence > MAX_PRECEDENCE:
        found.append(invalid(at, precedence, f"must not be greater than {MAX_PRECEDENCE}"))
    elif precedence == 1 and schema.metadata.name != EXEMPT:
        why = "only the schema named 'exempt' may have matchingPrecedence 1"
        found.append(invalid(at, precedence, why))
    if spec.HasField("distinguisher_method") and spec.distinguisher_method.type not in _METHODS:
        method = spec.distinguisher_method.type
        found.append(unsupported((*_SPEC, "distinguisherMethod", "type"), method, _METHODS))
    if not spec.priority_level_configuration.name:
        level = (*_SPEC, "priorityLevelConfiguration", "name")
        found.append(required(level, "must reference a priority level"))
    for index, rule in enumerate(spec.rules):
        _check_rule(rule, (*_SPEC, "rules", index), found)


def _check_rule(rule: PolicyRulesWithSubjects, at: Path, found: list[Cause]) -> None:
    if not rule.subjects:
        found.append(required((*at, "subjects"), "subjects must contain at least one value"))
    for index, subject in enumerate(rule.subjects):
        _check_subject(subject, (*at, "subjects", index), found)
    if not rule.resource_rules and not rule.non_resource_rules:
        why = "at least one of resourceRules and nonResourceRules has to be non-empty"
        found.append(required(at, why))
    for index, resource in enumerate(rule.resource_rules):
        where = (*at, "resourceRules", index)
        _check_verbs(resource.verbs, where, found)
        _check_some(resource.api_groups, (*where, "apiGroups"), "api group", found)
        _check_some(resource.resources, (*where, "resources"), "resource", found)
        if not resource.namespaces and not resource.cluster_scope:
            why = "resource rules that are not cluster scoped must supply at least one namespace"
            found.append(required((*where, "namespaces"), why))
    for index, other in enumerate(rule.non_resource_rules):
        where = (*at, "nonResourceRules", index)
        _check_verbs(other.verbs, where, found)
        if not other.non_resource_urls:
            why = "nonResourceURLs must contain at least one value"
            found.append(required((*where, "nonResourceURLs"), why))


def _check_subject(subject: Subject, at: Path, found: list[Cause]) -> None:
    if subject.kind not in _SUBJECTS:
        found.append(unsupported((*at, "kind"), subject.kind, tuple(_SUBJECTS)))
        return
    for kind, (json_name, name) in _SUBJECTS.items():
        given = subject.HasField(name)
        if kind == subject.kind and not given:
            why = f"{json_name} is required when subject kind is '{kind}'"
            found.append(required((*at, json_name), why))
        elif kind != subject.kind and given:
            why = f"{json_name} is forbidden when subject kind is not '{kind}'"
            found.append(forbidden((*at, json_name), why))


def _check_verbs(verbs: Sequence[str], at: Path, found: list[Cause]) -> None:
    if not verbs:
        found.append(required((*at, "verbs"), "verbs must contain at least one value"))
    elif "*" in verbs and len(verbs) > 1:
        why = "if '*' is present, must not specify other verbs"
        found.append(invalid((*at, "verbs"), list(verbs), why))


def _check_some(values: Sequence[str], at: Path, what: str, found: list[Cause]) -> None:
    if not values:
        found.append(required(at, f"resource rules must supply at least one {what}"))


def check_priority_level(level: PriorityLevelConfiguration, found: list[Cause]) -> None:
    """Limits for what is limited, and none for what is exempt."""
    spec = level.spec
    limited, exempt = (*_SPEC, "limited"), (*_SPEC, "exempt")
    if spec.type not in _LEVELS:
        found.append(unsupported((*_SPEC, "type"), spec.type, _LEVELS))
        return
    if spec.type == "Exempt" and spec.HasField("limited"):
        found.append(forbidden(limited, "must be nil if the type is not Limited"))
    elif spec.type == "Limited":
        if spec.HasField("exempt"):
            found.append(forbidden(exempt, "must be nil if the type is Limited"))
        if spec.HasField("limited"):
            _check_limited(spec.limited, limited, found)
        else:
            found.append(required(limited, "must not be empty when type is Limited"))
    if spec.type == "Exempt" and spec.HasField("exempt"):
        _check_share(spec.exempt, exempt, found)


def _check_share(share: Any, at: Path, found: list[Cause]) -> None:
    if share.nominal_concurrency_shares < 0:
        value, why = share.nominal_concurrency_shares, "must be a non-negative integer"
        found.append(invalid((*at, "nominalConcurrencyShares"), value, why))
    if not 0 <= share.lendable_percent <= 100:
        why = "must be between 0 and 100, inclusive"
        found.append(invalid((*at, "lendablePercent"), share.lendable_percent, why))


def _check_limited(
    limited: LimitedPriorityLevelConfiguration, at: Path, found: list[Cause]
) -> None:
    _check_share(limited, at, found)
    if limited.borrowing_limit_percent < 0:
        why = "if specified, must be a non-negative integer"
        borrowed = limited.borrowing_limit_percent
        found.append(invalid((*at, "borrowingLimitPercent"), borrowed, why))
    _check_response(limited.limit_response, (*at, "limitResponse"), found)


def _check_response(response: LimitResponse, at: Path, found: list[Cause]) -> None:
    given, queuing = response.HasField("queuing"), (*at, "queuing")
    if response.type not in _RESPONSES:
        found.append(unsupported((*at, "type"), response.type, _RESPONSES))
    elif response.type == "Reject" and given:
        found.append(forbidden(queuing, "must be nil if limitResponse.type is not Queue"))
    elif response.type == "Queue" and not given:
        found.append(required(queuing, "must not be empty if limitResponse.type is Queue"))
    elif given:
        _check_queuing(response.queuing, queuing, found)


def _check_queuing(queuing: QueuingConfiguration, at: Path, found: list[Cause]) -> None:
    queues, hand = queuing.queues, queuing.hand_size
    for name, value in (
        ("queueLengthLimit", queuing.queue_length_limit),
        ("queues", queues),
        ("handSize", hand),
    ):
        if value <= 0:
            found.append(invalid((*at, name), value, "must be positive"))
    if queues > MAX_QUEUES:
        found.append(invalid((*at, "queues"), queues, f"must not be greater than {MAX_QUEUES}"))
    if hand > queues:
        why = f"should not be greater than queues ({queues})"
        found.append(invalid((*at, "handSize"), hand, why))
