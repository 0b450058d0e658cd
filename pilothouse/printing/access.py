"""Who may do what: bindings of roles and requests for certificates, as tables."""

from __future__ import annotations

from collections.abc import Iterable

from pilothouse.printing.ages import created, duration
from pilothouse.printing.cells import NONE
from pilothouse.printing.table import AGE, NAME, WIDE, Cell, Column, Printer
from protos.certificates_v1_pb2 import CertificateSigningRequest
from protos.rbac_v1_pb2 import ClusterRoleBinding, RoleBinding, Subject


def _binding(binding: RoleBinding | ClusterRoleBinding, now: float) -> tuple[Cell, ...]:
    subjects = binding.subjects
    return (
        binding.metadata.name,
        f"{binding.role_ref.kind}/{binding.role_ref.name}",
        created(binding, now),
        _names(subjects, "User"),
        _names(subjects, "Group"),
        ", ".join(f"{s.namespace}/{s.name}" for s in subjects if s.kind == "ServiceAccount"),
    )


def _names(subjects: Iterable[Subject], kind: str) -> str:
    return ", ".join(subject.name for subject in subjects if subject.kind == kind)


def request_condition(request: CertificateSigningRequest) -> str:
    """Pending, Approved,Issued, Denied, …"""
    types = {condition.type for condition in request.status.conditions}
    states = [next((s for s in ("Denied", "Approved") if s in types), "Pending")]
    if "Failed" in types:
        states.append("Failed")
    if request.status.certificate:
        states.append("Issued")
    return ",".join(states)


def _request(request: CertificateSigningRequest, now: float) -> tuple[Cell, ...]:
    spec = request.spec
    lasting = spec.HasField("expiration_seconds")
    return (
        request.metadata.name,
        created(request, now),
        spec.signer_name or NONE,
        spec.username,
        duration(spec.expiration_seconds) if lasting else NONE,
        request_condition(request),
    )


_BINDING = Printer(
    (
        NAME,
        Column("Role", "The role it gives."),
        AGE,
        Column("Users", "Users it gives the role to.", priority=WIDE),
        Column("Groups", "Groups it gives the role to.", priority=WIDE),
        Column("ServiceAccounts", "Service accounts it gives the role to.", priority=WIDE),
    ),
    _binding,
)

PRINTERS = {
    RoleBinding: _BINDING,
    ClusterRoleBinding: _BINDING,
    CertificateSigningRequest: Printer(
        (
            NAME,
            AGE,
            Column("SignerName", "Who is asked to sign."),
            Column("Requestor", "Who asks."),
            Column("RequestedDuration", "For how long the certificate should hold."),
            Column("Condition", "Whether it was approved, and whether there is a certificate."),
        ),
        _request,
    ),
}
