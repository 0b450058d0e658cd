"""Defaults of what extends the API: webhooks, policies, API services, definitions of kinds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from protos.admissionregistration_v1_pb2 import (
    MatchResources,
    MutatingWebhookConfiguration,
    RuleWithOperations,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
    ValidatingWebhookConfiguration,
)
from protos.apiextensions_v1_pb2 import CustomResourceDefinition
from protos.apiregistration_v1_pb2 import APIService

HTTPS_PORT: Final = 443
WEBHOOK_SECONDS: Final = 10


def default_api_service(service: APIService) -> None:
    """Servers are reached over HTTPS."""
    if service.spec.HasField("service"):
        _default_port(service.spec.service)


def default_definition(definition: CustomResourceDefinition) -> None:
    """Names follow from the kind; versions differ in nothing but their name."""
    spec = definition.spec
    names = spec.names
    if not names.singular:
        names.singular = names.kind.lower()
    if not names.list_kind and names.kind:
        names.list_kind = f"{names.kind}List"
    if not spec.HasField("conversion"):
        spec.conversion.strategy = "None"
    if spec.conversion.webhook.client_config.HasField("service"):
        _default_port(spec.conversion.webhook.client_config.service)


def default_validating(configuration: ValidatingWebhookConfiguration) -> None:
    """A webhook that does not answer within ten seconds forbids."""
    for webhook in configuration.webhooks:
        _default_webhook(webhook)


def default_mutating(configuration: MutatingWebhookConfiguration) -> None:
    """As above; each is asked once."""
    for webhook in configuration.webhooks:
        _default_webhook(webhook)
        if not webhook.HasField("reinvocation_policy"):
            webhook.reinvocation_policy = "Never"


def default_policy(policy: ValidatingAdmissionPolicy) -> None:
    """What cannot be judged is forbidden."""
    spec = policy.spec
    if not spec.HasField("failure_policy"):
        spec.failure_policy = "Fail"
    if spec.HasField("match_constraints"):
        _default_match(spec.match_constraints)


def default_policy_binding(binding: ValidatingAdmissionPolicyBinding) -> None:
    """Where it says nothing else, the policy's own constraints hold."""
    if binding.spec.HasField("match_resources"):
        _default_match(binding.spec.match_resources)


def _default_webhook(webhook: Any) -> None:
    """Any: one of two classes, which have these fields."""
    if not webhook.HasField("failure_policy"):
        webhook.failure_policy = "Fail"
    if not webhook.HasField("timeout_seconds"):
        webhook.timeout_seconds = WEBHOOK_SECONDS
    _default_matching(webhook)
    _default_rules(webhook.rules)
    if webhook.client_config.HasField("service"):
        _default_port(webhook.client_config.service)


def _default_match(match: MatchResources) -> None:
    _default_matching(match)
    _default_rules(rule.rule_with_operations for rule in match.resource_rules)
    _default_rules(rule.rule_with_operations for rule in match.exclude_resource_rules)


def _default_matching(matching: Any) -> None:
    """Everything, whichever version of it is asked for."""
    if not matching.HasField("match_policy"):
        matching.match_policy = "Equivalent"
    for selector in (matching.namespace_selector, matching.object_selector):
        selector.SetInParent()


def _default_rules(rules: Iterable[RuleWithOperations]) -> None:
    for rule in rules:
        if not rule.rule.HasField("scope"):
            rule.rule.scope = "*"


def _default_port(service: Any) -> None:
    """Any: a reference to a service, of which each group has its own."""
    if not service.HasField("port"):
        service.port = HTTPS_PORT
