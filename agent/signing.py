"""Keys, signing requests and what a certificate says.

Apart from the rest because it costs a process some 10 MB: only joining and renewing, each in a
process of its own, import it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Subject:
    """What a certificate says its owner is."""

    user: str
    group: str


def agent_subject(node: str) -> Subject:
    """The agent of a node."""
    return Subject(f"system:node:{node}", "system:nodes")


def netproxy_subject(node: str) -> Subject:
    """The netproxy of a node."""
    return Subject(f"system:netproxy:{node}", "system:netproxies")


def new_key() -> bytes:
    """A private key (EC P-256, PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def signing_request(key: bytes, subject: Subject) -> bytes:
    """A request (PEM) that asks for exactly this subject. ValueError: not an EC key."""
    private = serialization.load_pem_private_key(key, password=None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ValueError("the node's key is not an EC key")  # noqa: TRY004 - the file's value
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, subject.group),
            x509.NameAttribute(NameOID.COMMON_NAME, subject.user),
        ]
    )
    request = x509.CertificateSigningRequestBuilder().subject_name(name)
    return request.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def pin_of(certificate: bytes) -> str:
    """The hex hash of the certificate's public key info behind "sha256:". ValueError: not PEM."""
    public = x509.load_pem_x509_certificate(certificate).public_key()
    info = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return "sha256:" + hashlib.sha256(info).hexdigest()


def validity(certificate: bytes) -> tuple[datetime, datetime]:
    """When the first certificate of a PEM chain begins and ends to be valid."""
    found = x509.load_pem_x509_certificate(certificate)
    return found.not_valid_before_utc, found.not_valid_after_utc
