"""Whether the identity files are a CA and what it has signed: pure, over their contents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from master.archive.fault import Fault
from master.identity.ca import Authority, Credential


def faults_of(files: Mapping[str, bytes], now: datetime) -> Iterator[Fault]:
    """Of ca.crt, ca.key, server.crt and server.key, by name."""
    absent = [name for name in ("ca.crt", "ca.key") if name not in files]
    if absent:
        yield from (
            Fault(name, "is missing", "put back a backup; a new CA would be another cluster")
            for name in absent
        )
        return
    try:
        Authority.load(Credential(files["ca.crt"], files["ca.key"]))
        authority = x509.load_pem_x509_certificate(files["ca.crt"])
    except (ValueError, TypeError) as error:
        yield Fault("ca.crt and ca.key", str(error), "put back a backup")
        return
    yield from _validity("ca.crt", authority, now, "the cluster needs a new CA")
    yield from _server(files, authority, now)


def _server(
    files: Mapping[str, bytes], authority: x509.Certificate, now: datetime
) -> Iterator[Fault]:
    advice = "remove server.crt: `pilot-master serve` makes a new one"
    if "server.crt" not in files:  # not made yet; serve makes it
        return
    try:
        certificate = x509.load_pem_x509_certificate(files["server.crt"])
        key = serialization.load_pem_private_key(files["server.key"], password=None)
    except (ValueError, TypeError, KeyError) as error:
        yield Fault("server.crt and server.key", f"cannot be read: {error}", advice)
        return
    if key.public_key() != certificate.public_key():
        yield Fault("server.key", "does not belong to server.crt", advice)
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        yield Fault("server.crt", "is not signed by the CA", advice)
    yield from _validity("server.crt", certificate, now, "`pilot-master serve` renews it")


def _validity(
    name: str, certificate: x509.Certificate, now: datetime, advice: str
) -> Iterator[Fault]:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < start:
        yield Fault(name, f"is valid from {start:%Y-%m-%d %H:%M} UTC on", "is the clock right?")
    if now > end:
        yield Fault(name, f"has ended at {end:%Y-%m-%d %H:%M} UTC", advice)
