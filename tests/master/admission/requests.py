"""Certificate signing requests and certificates with a key that everybody knows."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

_KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


@cache
def signing_request(organization: str = "readers") -> bytes:
    """The request of somebody in that organization, as PEM."""
    builder = x509.CertificateSigningRequestBuilder(subject_name=_subject(organization))
    return builder.sign(_KEY, None).public_bytes(Encoding.PEM)


@cache
def certificate() -> bytes:
    """Some certificate, as PEM."""
    name = _subject("readers")
    builder = x509.CertificateBuilder(name, name, _KEY.public_key(), 1)
    builder = builder.not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
    builder = builder.not_valid_after(datetime(2034, 1, 1, tzinfo=UTC))
    return builder.sign(_KEY, None).public_bytes(Encoding.PEM)


def _subject(organization: str) -> x509.Name:
    named = [
        x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organization),
        x509.NameAttribute(x509.NameOID.COMMON_NAME, "jo"),
    ]
    return x509.Name(named)
