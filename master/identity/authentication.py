"""From a connection's client certificate and a call's metadata to a User.

The TLS handshake has proven that the certificate is the cluster CA's and that the caller has
its key. What the handshake does not see is read here: the groups, and the certificate's end
on a connection that outlives it. Members of system:masters act as someone else with the
metadata impersonate-user and impersonate-group (repeatable); nobody else may send those.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography import x509
from cryptography.x509.oid import NameOID

from master.identity.user import User
from pilothouse.objects.errors import Forbidden, Unauthorized

IMPERSONATE_USER = "impersonate-user"
IMPERSONATE_GROUP = "impersonate-group"


class CallContext(Protocol):
    """The part of grpc.aio.ServicerContext that says who calls."""

    def auth_context(self) -> Any:
        """Property names to lists of bytes."""
        ...

    def invocation_metadata(self) -> Any:
        """Pairs of key and value; None when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Peer:
    """Who has the other end of a connection, and until when its certificate is good."""

    user: User
    expires_at: float  # Unix seconds


@functools.lru_cache(maxsize=16_384)
def _parsed(certificate: bytes) -> Peer:
    parsed = x509.load_pem_x509_certificate(certificate)
    names = _attributes(parsed, NameOID.COMMON_NAME)
    if len(names) != 1:
        raise Unauthorized("the client certificate has no single common name")
    groups = _attributes(parsed, NameOID.ORGANIZATION_NAME)
    return Peer(User(names[0], groups), parsed.not_valid_after_utc.timestamp())


def _attributes(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> tuple[str, ...]:
    found = certificate.subject.get_attributes_for_oid(oid)
    return tuple(str(attribute.value) for attribute in found)


def peer_of(context: CallContext, now: Callable[[], float] = time.time) -> Peer:
    """Whose certificate the connection has, without impersonation; Unauthorized without one."""
    certificates = context.auth_context().get("x509_pem_cert")
    if not certificates:
        raise Unauthorized("no client certificate")
    peer = _parsed(bytes(certificates[0]))
    if peer.expires_at <= now():
        raise Unauthorized(f'the certificate of "{peer.user.name}" has expired')
    return peer


def peer_user(context: CallContext, now: Callable[[], float] = time.time) -> User:
    """The same without the end."""
    return peer_of(context, now).user


def authenticate(context: CallContext, now: Callable[[], float] = time.time) -> User:
    """Who the call is made for. Raises Unauthorized, or Forbidden for undue impersonation."""
    user = peer_user(context, now)
    metadata = context.invocation_metadata() or ()
    names = [value for key, value in metadata if key == IMPERSONATE_USER]
    groups = [value for key, value in metadata if key == IMPERSONATE_GROUP]
    if not names and not groups:
        return user
    return _impersonated(user, names, groups)


def _impersonated(user: User, names: list[Any], groups: list[Any]) -> User:
    if not user.is_administrator:
        raise Forbidden(f'user "{user.name}" may not impersonate')
    if len(names) != 1 or not names[0]:
        raise Forbidden(f"impersonation needs exactly one {IMPERSONATE_USER}, got {len(names)}")
    return User(str(names[0]), tuple(str(group) for group in groups))
