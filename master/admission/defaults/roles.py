"""Defaults of role bindings."""

from __future__ import annotations

from typing import Final

from protos.rbac_v1_pb2 import ClusterRoleBinding, RoleBinding

GROUP: Final = "rbac.authorization.k8s.io"
PEOPLE: Final = frozenset({"Group", "User"})


def default_role_binding(binding: RoleBinding | ClusterRoleBinding) -> None:
    """Roles, users and groups are of the one group that has any."""
    if not binding.role_ref.api_group:
        binding.role_ref.api_group = GROUP
    for subject in binding.subjects:
        if subject.kind in PEOPLE and not subject.api_group:
            subject.api_group = GROUP
