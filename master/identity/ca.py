"""The cluster's certificate authority: keys, certificates, and the checks before a signature.

EC P-256 throughout. Certificates are valid from five minutes ago, because clocks differ. A
signed request gives only its public key and its subject to the certificate; every extension is
the authority's own choice.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from master.identity.user import User
from pilothouse.objects.errors import BadRequest, Forbidden

CA_LIFETIME = timedelta(days=3650)
SERVER_LIFETIME = timedelta(days=365)
ADMIN_LIFETIME = timedelta(days=365)
NODE_LIFETIME = timedelta(days=30)
CLOCK_SKEW = timedelta(minutes=5)
MAX_REQUEST_BYTES = 16 * 1024

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate chain and its private key, both PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """The cluster CA with its key; signs."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate = certificate
        self._key = key

    @classmethod
    def create(cls, name: str, now: datetime) -> Authority:
        """A new self-signed authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(subject, subject, key.public_key(), now, CA_LIFETIME)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        builder = builder.add_extension(_key_usage(sign_certificates=True), True)
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
        )
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def load(cls, credential: Credential) -> Authority:
        """From PEM; ValueError where it is no EC certificate with its key."""
        key = serialization.load_pem_private_key(credential.key, password=None)
        certificate = x509.load_pem_x509_certificate(credential.certificate)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("the CA key is not an EC key")  # noqa: TRY004 - it is the file's value
        if key.public_key() != certificate.public_key():
            raise ValueError("the CA key does not belong to the CA certificate")
        return cls(certificate, key)

    @property
    def credential(self) -> Credential:
        """The authority itself, to be stored."""
        return Credential(self.pem, _key_pem(self._key))

    @property
    def pem(self) -> bytes:
        """The CA certificate that everybody trusts."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def pin(self) -> str:
        """Hex SHA-256 of the CA's SubjectPublicKeyInfo (DER), behind "sha256:"."""
        return pin_of(self.pem)

    def issue_client(self, user: User, lifetime: timedelta, now: datetime) -> Credential:
        """A key and a certificate that proves to be `user`."""
        key = ec.generate_private_key(ec.SECP256R1())
        return Credential(
            self._client_certificate(user, key.public_key(), lifetime, now), _key_pem(key)
        )

    def issue_server(self, names: Sequence[str], lifetime: timedelta, now: datetime) -> Credential:
        """A key and a certificate for a server reachable under these DNS names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pilot-master")])
        builder = self._leaf(
            subject, key.public_key(), lifetime, now, ExtendedKeyUsageOID.SERVER_AUTH
        )
        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
        builder = builder.add_extension(alternatives, False)
        return Credential(_pem(builder.sign(self._key, hashes.SHA256())), _key_pem(key))

    def sign(self, request: bytes, user: User, lifetime: timedelta, now: datetime) -> bytes:
        """The certificate (PEM) for a signing request, if its subject is exactly `user`.

        Raises BadRequest for a request that is malformed, badly signed or has a weak key, and
        Forbidden for another subject.
        """
        key = checked_request(request, user)
        return self._client_certificate(user, key, lifetime, now)

    def _client_certificate(
        self, user: User, key: PublicKey, lifetime: timedelta, now: datetime
    ) -> bytes:
        usage = ExtendedKeyUsageOID.CLIENT_AUTH
        builder = self._leaf(subject_of(user), key, lifetime, now, usage)
        return _pem(builder.sign(self._key, hashes.SHA256()))

    def _leaf(
        self,
        subject: x509.Name,
        key: PublicKey,
        lifetime: timedelta,
        now: datetime,
        usage: x509.ObjectIdentifier,
    ) -> x509.CertificateBuilder:
        issuer = self._certificate.subject
        builder = _builder(subject, issuer, key, now, lifetime)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        builder = builder.add_extension(_key_usage(sign_certificates=False), True)
        return builder.add_extension(x509.ExtendedKeyUsage([usage]), False).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False
        )


def subject_of(user: User) -> x509.Name:
    """Common name = user, organizations = groups."""
    name = x509.NameAttribute(NameOID.COMMON_NAME, user.name)
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in user.groups]
    return x509.Name([*groups, name])


def checked_request(request: bytes, user: User) -> PublicKey:
    """The public key of a signing request that is sound and asks for exactly `user`."""
    if len(request) > MAX_REQUEST_BYTES:
        raise BadRequest(f"csr: {len(request)} bytes are more than {MAX_REQUEST_BYTES}")
    try:
        parsed = x509.load_pem_x509_csr(request)
        key = parsed.public_key()
        sound = parsed.is_signature_valid
    except (ValueError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise BadRequest("csr: not a PEM certificate signing request") from error
    if not sound:
        raise BadRequest("csr: its signature is not by its own key")
    if _attributes(parsed.subject) != _attributes(subject_of(user)):
        asked = parsed.subject.rfc4514_string()
        raise Forbidden(f"csr: subject {asked!r} is not {subject_of(user).rfc4514_string()!r}")
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size >= 256:
        return key
    if isinstance(key, rsa.RSAPublicKey) and 2048 <= key.key_size <= 8192:
        return key
    raise BadRequest("csr: the key must be EC of at least 256 or RSA of 2048 to 8192 bits")


def pin_of(certificate: bytes) -> str:
    """The pin of a CA certificate (PEM)."""
    key = x509.load_pem_x509_certificate(certificate).public_key()
    info = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"sha256:{hashlib.sha256(info).hexdigest()}"


def remaining_share(certificate: bytes, now: datetime) -> float:
    """How much of a certificate's lifetime is left: 1 new, 0 or less ended."""
    parsed = x509.load_pem_x509_certificate(certificate)
    start, end = parsed.not_valid_before_utc, parsed.not_valid_after_utc
    return (end - now) / (end - start)


def alternative_names(certificate: bytes) -> frozenset[str]:
    """The DNS names and addresses that a server certificate (PEM) is good for."""
    parsed = x509.load_pem_x509_certificate(certificate)
    found = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return frozenset(str(name.value) for name in found)


def utc_now() -> datetime:
    """The time to pass as `now`."""
    return datetime.now(UTC)


def _attributes(name: x509.Name) -> list[tuple[str, str]]:
    return sorted((attribute.oid.dotted_string, str(attribute.value)) for attribute in name)


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + lifetime)
    )


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
