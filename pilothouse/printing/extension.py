"""What extends the API as tables: webhooks, admission policies, API services."""

from __future__ import annotations

from typing import Any

from pilothouse.printing.ages import created
from pilothouse.printing.cells import UNSET, selector
from pilothouse.printing.table import AGE, NAME, Cell, Column, Printer
from protos.admissionregistration_v1_pb2 import (
    MutatingWebhookConfiguration,
    ParamRef,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
    ValidatingWebhookConfiguration,
)
from protos.apiregistration_v1_pb2 import APIService


def _webhooks(configuration: Any, now: float) -> tuple[Cell, ...]:
    return configuration.metadata.name, len(configuration.webhooks), created(configuration, now)


def _policy(policy: ValidatingAdmissionPolicy, now: float) -> tuple[Cell, ...]:
    kind = policy.spec.param_kind
    return (
        policy.metadata.name,
        len(policy.spec.validations),
        f"{kind.api_version}/{kind.kind}" if policy.spec.HasField("param_kind") else UNSET,
        created(policy, now),
    )


def _binding(binding: ValidatingAdmissionPolicyBinding, now: float) -> tuple[Cell, ...]:
    spec = binding.spec
    return (
        binding.metadata.name,
        spec.policy_name,
        parameters(spec.param_ref),
        created(binding, now),
    )


def parameters(reference: ParamRef) -> str:
    """namespace/name, with * for a name in any namespace, or the labels that select."""
    if reference.name:
        return f"{reference.namespace or '*'}/{reference.name}"
    return selector(reference.selector) if reference.HasField("selector") else UNSET


def _service(service: APIService, now: float) -> tuple[Cell, ...]:
    behind = service.spec.service
    local = not service.spec.HasField("service")
    return (
        service.metadata.name,
        "Local" if local else f"{behind.namespace}/{behind.name}",
        available(service),
        created(service, now),
    )


def available(service: APIService) -> str:
    """True, or else False and why: False (MissingEndpoints)."""
    for condition in service.status.conditions:
        if condition.type == "Available":
            said = condition.status != "True" and condition.reason
            return f"{condition.status} ({condition.reason})" if said else condition.status
    return "Unknown"


_WEBHOOKS = Printer((NAME, Column("Webhooks", "How many it has.", "integer"), AGE), _webhooks)

PRINTERS = {
    MutatingWebhookConfiguration: _WEBHOOKS,
    ValidatingWebhookConfiguration: _WEBHOOKS,
    ValidatingAdmissionPolicy: Printer(
        (
            NAME,
            Column("Validations", "How many rules it has.", "integer"),
            Column("ParamKind", "The kind of its parameters."),
            AGE,
        ),
        _policy,
    ),
    ValidatingAdmissionPolicyBinding: Printer(
        (
            NAME,
            Column("PolicyName", "The policy it puts in force."),
            Column("ParamRef", "The policy's parameters."),
            AGE,
        ),
        _binding,
    ),
    APIService: Printer(
        (
            NAME,
            Column("Service", "The service behind this part of the API."),
            Column("Available", "Whether it can be reached."),
            AGE,
        ),
        _service,
    ),
}
