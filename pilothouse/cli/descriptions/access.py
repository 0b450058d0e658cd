"""How roles, their bindings and requests for certificates are described."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pilothouse.cli.descriptions.lines import Description
from pilothouse.printing.access import request_condition
from pilothouse.printing.ages import duration
from pilothouse.printing.cells import NONE, selector
from protos.certificates_v1_pb2 import CertificateSigningRequest
from protos.rbac_v1_pb2 import (
    ClusterRole,
    ClusterRoleBinding,
    PolicyRule,
    Role,
    RoleBinding,
)


def _role(role: Role | ClusterRole, out: Description, related: Sequence[Any]) -> None:
    if isinstance(role, ClusterRole) and role.HasField("aggregation_rule"):
        chosen = [selector(each) for each in role.aggregation_rule.cluster_role_selectors]
        out.lines("Aggregates Roles With", chosen)
    rows = [["Resources", "Non-Resource URLs", "Resource Names", "Verbs"]]
    for rule in role.rules:
        names, urls = _bracketed(rule.resource_names), _bracketed(rule.non_resource_urls)
        rows += [[what, urls, names, _bracketed(rule.verbs)] for what in _resources(rule)]
    out.rows("PolicyRule", rows)


def _resources(rule: PolicyRule) -> list[str]:
    """pods, deployments.apps, … and "" for a rule on paths."""
    named = [
        f"{resource}.{group}" if group else resource
        for group in rule.api_groups
        for resource in rule.resources
    ]
    return named or [""]


def _bracketed(values: Sequence[str]) -> str:
    return f"[{' '.join(values)}]"


def _binding(
    binding: RoleBinding | ClusterRoleBinding, out: Description, related: Sequence[Any]
) -> None:
    out.line("Role", f"{binding.role_ref.kind}/{binding.role_ref.name}")
    rows = [["Kind", "Name", "Namespace"]]
    rows += [[each.kind, each.name, each.namespace] for each in binding.subjects]
    out.rows("Subjects", rows)


def _request(request: CertificateSigningRequest, out: Description, related: Sequence[Any]) -> None:
    spec = request.spec
    out.line("Requesting User", spec.username or NONE)
    out.line("Groups", ", ".join(spec.groups) or NONE)
    out.line("Signer", spec.signer_name or NONE)
    out.line("Usages", ", ".join(spec.usages) or NONE)
    lasting = spec.HasField("expiration_seconds")
    out.line("Requested Duration", duration(spec.expiration_seconds) if lasting else NONE)
    out.line("Status", request_condition(request))
    for condition in request.status.conditions:
        out.line(condition.type, f"{condition.reason}: {condition.message}", depth=1)


DESCRIPTIONS = {
    Role: _role,
    ClusterRole: _role,
    RoleBinding: _binding,
    ClusterRoleBinding: _binding,
    CertificateSigningRequest: _request,
}
