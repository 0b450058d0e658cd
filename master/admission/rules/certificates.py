"""Rules of certificate signing requests: what is asked for, who approves, what is issued."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from master.admission.faults import (
    Path,
    duplicate,
    forbidden,
    invalid,
    required,
    too_long,
    unsupported,
)
from master.admission.grammar import dns_label, dns_subdomain
from master.admission.pem import Block, blocks_of
from pilothouse.objects.errors import Cause
from protos.certificates_v1_pb2 import (
    CertificateSigningRequest,
    CertificateSigningRequestCondition,
    CertificateSigningRequestSpec,
)

_SPEC: Final[Path] = ("spec",)
_CONDITIONS: Final[Path] = ("status", "conditions")
_REQUEST: Final = "CERTIFICATE REQUEST"
_CERTIFICATE: Final = "CERTIFICATE"
_LEGACY_SIGNER: Final = "kubernetes.io/legacy-unknown"
_CLIENT_SIGNER: Final = "kubernetes.io/kube-apiserver-client"
_ADMINISTRATORS: Final = "system:masters"
_DOMAIN_LIMIT: Final = 253
_SIGNER_LIMIT: Final = _DOMAIN_LIMIT + 1 + 63 + 1 + 253  # bytes
_MIN_SECONDS: Final = 600
_APPROVALS: Final = ("Approved", "Denied")
_LASTING: Final = (*_APPROVALS, "Failed")
_TRUE: Final = frozenset({"True"})
_STATES: Final = frozenset({"False", "True", "Unknown"})
_USAGES: Final = frozenset(
    {
        "any",
        "cert sign",
        "client auth",
        "code signing",
        "content commitment",
        "crl sign",
        "data encipherment",
        "decipher only",
        "digital signature",
        "email protection",
        "encipher only",
        "ipsec end system",
        "ipsec tunnel",
        "ipsec user",
        "key agreement",
        "key encipherment",
        "microsoft sgc",
        "netscape sgc",
        "ocsp signing",
        "s/mime",
        "server auth",
        "signing",
        "timestamping",
    }
)
_Conditions = Iterable[CertificateSigningRequestCondition]


def check_request(request: CertificateSigningRequest, found: list[Cause]) -> None:
    """A request that is created."""
    _check_spec(request.spec, found)
    _check_conditions(request.status.conditions, found)
    _check_certificate(request.status.certificate, found)


def check_request_update(
    new: CertificateSigningRequest, old: CertificateSigningRequest, found: list[Cause]
) -> None:
    """What was decided stays decided, what was issued stays issued."""
    before, after = old.status, new.status
    if after.conditions != before.conditions:
        _check_conditions(after.conditions, found)
        kept = [condition.type for condition in after.conditions]
        was = [condition.type for condition in before.conditions]
        found.extend(
            forbidden(_CONDITIONS, f'updates may not remove a condition of type "{kind}"')
            for kind in _LASTING
            if kept.count(kind) < was.count(kind)
        )
    if after.certificate != before.certificate:
        at = ("status", "certificate")
        if before.certificate:
            found.append(forbidden(at, "updates may not modify existing certificate content"))
        _check_certificate(after.certificate, found)


def _check_spec(spec: CertificateSigningRequestSpec, found: list[Cause]) -> None:
    asked = _read(spec.request)
    if isinstance(asked, str):
        found.append(invalid((*_SPEC, "request"), spec.request, asked))
    elif spec.signer_name == _CLIENT_SIGNER and _ADMINISTRATORS in _organizations(asked):
        why = f"use of {_CLIENT_SIGNER} signer with {_ADMINISTRATORS} group is not allowed"
        found.append(forbidden((*_SPEC, "request"), why))
    _check_usages(spec.usages, (*_SPEC, "usages"), found)
    at = (*_SPEC, "signerName")
    if spec.signer_name == _LEGACY_SIGNER:
        why = "the legacy signerName is not allowed via this API version"
        found.append(invalid(at, spec.signer_name, why))
    else:
        check_signer(spec.signer_name, at, found)
    seconds = spec.expiration_seconds
    if spec.HasField("expiration_seconds") and seconds < _MIN_SECONDS:
        why = "may not specify a duration less than 600 seconds (10 minutes)"
        found.append(invalid((*_SPEC, "expirationSeconds"), seconds, why))


def _read(text: bytes) -> x509.CertificateSigningRequest | str:
    """The request, or what is wrong with it."""
    block = next(blocks_of(text), None)
    if block is None or block.type != _REQUEST:
        return "PEM block type must be CERTIFICATE REQUEST"
    try:
        asked = x509.load_der_x509_csr(block.content)
        if asked.is_signature_valid:
            return asked
    except (ValueError, UnsupportedAlgorithm, InvalidSignature) as error:
        return str(error) or "the request cannot be read"
    return "the signature of the request is not that of its key"


def _organizations(asked: x509.CertificateSigningRequest) -> list[str | bytes]:
    names = asked.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
    return [name.value for name in names]


def _check_usages(usages: Iterable[str], at: Path, found: list[Cause]) -> None:
    seen: set[str] = set()
    for index, usage in enumerate(usages):
        if usage not in _USAGES:
            found.append(unsupported((*at, index), usage, _USAGES))
        if usage in seen:
            found.append(duplicate((*at, index), usage))
        seen.add(usage)
    if not seen:
        found.append(required(at))


def check_signer(name: str, at: Path, found: list[Cause]) -> None:
    """A domain of at least two labels, and a path of names with dots: "example.com/signer"."""
    if not name:
        found.append(required(at))
        return
    domain, slash, path = name.partition("/")
    if not slash or "/" in path:
        why = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        found.append(invalid(at, name, why))
        return
    if len(domain) > _DOMAIN_LIMIT:
        found.append(too_long(at, _DOMAIN_LIMIT))
    for part, check in ((domain, dns_label), (path, dns_subdomain)):
        found.extend(
            invalid(at, part, f'validating label "{label}": {fault}')
            for label in part.split(".")
            if (fault := check(label)) is not None
        )
    if "." not in domain:
        why = "should be a domain with at least two segments separated by dots"
        found.append(invalid(at, domain, why))
    if len(name) > _SIGNER_LIMIT:
        found.append(too_long(at, _SIGNER_LIMIT))


def _check_conditions(conditions: _Conditions, found: list[Cause]) -> None:
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        at = (*_CONDITIONS, index)
        kind, status = condition.type, condition.status
        if not kind:
            found.append(required((*at, "type")))
        states = _TRUE if kind in _LASTING else _STATES
        if not status:
            found.append(required((*at, "status")))
        elif status not in states:
            found.append(unsupported((*at, "status"), status, states))
        if kind in _APPROVALS and any(it in seen for it in _APPROVALS if it != kind):
            why = "Approved and Denied conditions are mutually exclusive"
            found.append(invalid((*at, "type"), kind, why))
        if kind in seen:
            found.append(duplicate((*at, "type"), kind))
        seen.add(kind)


def _check_certificate(text: bytes, found: list[Cause]) -> None:
    if not text:
        return
    blocks = list(blocks_of(text))
    why = None if blocks else "must contain at least one CERTIFICATE PEM block"
    for block in blocks:
        why = why or _block_fault(block)
    if why is not None:
        found.append(invalid(("status", "certificate"), "<certificate data>", why))


def _block_fault(block: Block) -> str | None:
    if block.type != _CERTIFICATE:
        return f'only CERTIFICATE PEM blocks are allowed, found "{block.type}"'
    if block.has_headers:
        return "no PEM block headers are permitted"
    try:
        x509.load_der_x509_certificate(block.content)
    except (ValueError, UnsupportedAlgorithm) as error:
        return str(error) or "the certificate cannot be read"
    return None
