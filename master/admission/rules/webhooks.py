"""Rules of webhooks of admission."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from master.admission.faults import Path, duplicate, invalid, required, unsupported
from master.admission.grammar import dns_subdomain
from master.admission.rules.callees import REVIEWS, check_callee, check_reviews
from master.admission.rules.matching import (
    FAILURE_POLICIES,
    MATCH_POLICIES,
    check_conditions,
    check_rule,
)
from master.admission.rules.selectors import check_label_selector
from pilothouse.objects.errors import Cause
from protos.admissionregistration_v1_pb2 import (
    MutatingWebhook,
    MutatingWebhookConfiguration,
    ValidatingWebhook,
    ValidatingWebhookConfiguration,
)

_SIDE_EFFECTS: Final = frozenset({"None", "NoneOnDryRun"})
_REINVOCATIONS: Final = frozenset({"IfNeeded", "Never"})
_MAX_SECONDS: Final = 30
_Webhook = ValidatingWebhook | MutatingWebhook


def check_validating(configuration: ValidatingWebhookConfiguration, found: list[Cause]) -> None:
    """Webhooks that say yes or no."""
    _check_webhooks(configuration.webhooks, found)


def check_mutating(configuration: MutatingWebhookConfiguration, found: list[Cause]) -> None:
    """Webhooks that change what they see."""
    _check_webhooks(configuration.webhooks, found)
    for index, webhook in enumerate(configuration.webhooks):
        policy, at = webhook.reinvocation_policy, ("webhooks", index, "reinvocationPolicy")
        if webhook.HasField("reinvocation_policy") and policy not in _REINVOCATIONS:
            found.append(unsupported(at, policy, _REINVOCATIONS))


def _check_webhooks(webhooks: Iterable[_Webhook], found: list[Cause]) -> None:
    seen: set[str] = set()
    for index, webhook in enumerate(webhooks):
        at: Path = ("webhooks", index)
        _check_webhook(webhook, at, found)
        if webhook.name and webhook.name in seen:
            found.append(duplicate((*at, "name"), webhook.name))
        seen.add(webhook.name)


def _check_webhook(webhook: _Webhook, at: Path, found: list[Cause]) -> None:
    _check_name(webhook.name, (*at, "name"), found)
    for index, rule in enumerate(webhook.rules):
        check_rule(rule, (*at, "rules", index), found)
    _check_choices(webhook, at, found)
    seconds = webhook.timeout_seconds
    if webhook.HasField("timeout_seconds") and not 1 <= seconds <= _MAX_SECONDS:
        why = "the timeout value must be between 1 and 30 seconds"
        found.append(invalid((*at, "timeoutSeconds"), seconds, why))
    check_label_selector(webhook.namespace_selector, (*at, "namespaceSelector"), found)
    check_label_selector(webhook.object_selector, (*at, "objectSelector"), found)
    check_callee(webhook.client_config, (*at, "clientConfig"), found)
    check_conditions(webhook.match_conditions, (*at, "matchConditions"), found)
    here = (*at, "admissionReviewVersions")
    if webhook.admission_review_versions:
        check_reviews(webhook.admission_review_versions, here, found)
    else:
        found.append(required(here, f"must specify one of {', '.join(REVIEWS)}"))


def _check_name(name: str, at: Path, found: list[Cause]) -> None:
    if not name:
        found.append(required(at))
    elif (fault := dns_subdomain(name)) is not None:
        found.append(invalid(at, name, fault))
    elif name.count(".") < 2:
        why = "should be a domain with at least three segments separated by dots"
        found.append(invalid(at, name, why))


def _check_choices(webhook: _Webhook, at: Path, found: list[Cause]) -> None:
    for field, name, value, choices in (
        ("failure_policy", "failurePolicy", webhook.failure_policy, FAILURE_POLICIES),
        ("match_policy", "matchPolicy", webhook.match_policy, MATCH_POLICIES),
        ("side_effects", "sideEffects", webhook.side_effects, _SIDE_EFFECTS),
    ):
        if webhook.HasField(field) and value not in choices:
            found.append(unsupported((*at, name), value, choices))
    if not webhook.HasField("side_effects"):
        why = f"must specify one of {', '.join(sorted(_SIDE_EFFECTS))}"
        found.append(required((*at, "sideEffects"), why))
