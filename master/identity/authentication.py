"""From a call's credential and metadata to a User.

On the main port the TLS handshake has proven that the certificate is the cluster CA's and that
the caller has its key. What the handshake does not see is read here: the groups, and the
certificate's end on a connection that outlives it. On the join port, where there are no client
certificates, an access token in the metadata ("authorization: Bearer TOKEN") takes its place;
gRPC in Python cannot make the certificate optional on one port.

Members of system:masters act as someone else with the metadata impersonate-user, and
impersonate-group (repeatable), impersonate-uid and impersonate-extra-KEY (repeatable); nobody
else may send those. The same rules hold over HTTPS: see master.http.access.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote

from cryptography import x509
from cryptography.x509.oid import NameOID

from master.identity.user import User
from pilothouse.objects.errors import BadRequest, Forbidden, Unauthorized

IMPERSONATE_USER = "impersonate-user"
IMPERSONATE_GROUP = "impersonate-group"
IMPERSONATE_UID = "impersonate-uid"
IMPERSONATE_EXTRA = "impersonate-extra-"
BEARER = "bearer"

CheckToken = Callable[[str], User]


class CallContext(Protocol):
    """The part of grpc.aio.ServicerContext that says who calls."""

    def auth_context(self) -> Any:
        """Property names to lists of bytes."""
        ...

    def invocation_metadata(self) -> Any:
        """Pairs of key and value; None when there is none."""
        ...


Authenticate = Callable[[CallContext], User]


@dataclass(frozen=True, slots=True)
class Peer:
    """Who has the other end of a connection, and until when its certificate is good."""

    user: User
    expires_at: float  # Unix seconds


def peer_from(certificate: x509.Certificate) -> Peer:
    """Whom a certificate that the CA has signed proves; Unauthorized without a single name."""
    names = _attributes(certificate, NameOID.COMMON_NAME)
    if len(names) != 1:
        raise Unauthorized("the client certificate has no single common name")
    groups = _attributes(certificate, NameOID.ORGANIZATION_NAME)
    return Peer(User(names[0], groups), certificate.not_valid_after_utc.timestamp())


@functools.lru_cache(maxsize=16_384)
def _parsed(certificate: bytes) -> Peer:
    return peer_from(x509.load_pem_x509_certificate(certificate))


def _attributes(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> tuple[str, ...]:
    found = certificate.subject.get_attributes_for_oid(oid)
    return tuple(str(attribute.value) for attribute in found)


def peer_of(context: CallContext, now: Callable[[], float] = time.time) -> Peer:
    """Whose certificate the connection has, without impersonation; Unauthorized without one."""
    certificates = context.auth_context().get("x509_pem_cert")
    if not certificates:
        raise Unauthorized("no client certificate")
    return unexpired(_parsed(bytes(certificates[0])), now())


def unexpired(peer: Peer, now: float) -> Peer:
    """The peer while its certificate is good, Unauthorized behind its end."""
    if peer.expires_at <= now:
        raise Unauthorized(f'the certificate of "{peer.user.name}" has expired')
    return peer


def peer_user(context: CallContext, now: Callable[[], float] = time.time) -> User:
    """The same without the end."""
    return peer_of(context, now).user


def authenticate(context: CallContext, now: Callable[[], float] = time.time) -> User:
    """Who the call is made for, by certificate.

    Raises Unauthorized, or what acting() does.
    """
    return acting(peer_user(context, now), impersonation_in(context.invocation_metadata() or ()))


def token_authentication(check: CheckToken) -> Authenticate:
    """The same by access token, for connections without certificates."""

    def authenticate_token(context: CallContext) -> User:
        metadata = context.invocation_metadata() or ()
        return acting(check(token_in(metadata)), impersonation_in(metadata))

    return authenticate_token


def token_in(metadata: Iterable[tuple[str, Any]]) -> str:
    """The token of the call's metadata; Unauthorized where there is not exactly one."""
    values = [str(value) for key, value in metadata if key == "authorization"]
    if len(values) != 1:
        raise Unauthorized('no credential: send the metadata "authorization: Bearer TOKEN"')
    return bearer_token(values[0])


def bearer_token(value: str) -> str:
    """The token in the value of an authorization header (RFC 6750); Unauthorized for another."""
    scheme, _, token = value.strip().partition(" ")
    if scheme.lower() != BEARER or not token.strip():
        raise Unauthorized("the authorization is not of the form: Bearer TOKEN")
    return token.strip()


@dataclass(frozen=True, slots=True)
class Impersonation:
    """Whom the caller wants to be, as it was sent: each may be there any number of times."""

    names: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    uids: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()


def impersonation_in(pairs: Iterable[tuple[str, Any]]) -> Impersonation | None:
    """What metadata or headers, with names in lower case, ask for; None: nothing."""
    sent = [(key, str(value)) for key, value in pairs if key.startswith("impersonate-")]
    if not sent:
        return None
    asked = Impersonation(
        names=tuple(value for key, value in sent if key == IMPERSONATE_USER),
        groups=tuple(value for key, value in sent if key == IMPERSONATE_GROUP),
        uids=tuple(value for key, value in sent if key == IMPERSONATE_UID),
        # Keys are percent-encoded, because header names hold few characters (Kubernetes' rule).
        extra=tuple(
            (unquote(key.removeprefix(IMPERSONATE_EXTRA)).lower(), value)
            for key, value in sent
            if key.startswith(IMPERSONATE_EXTRA)
        ),
    )
    return None if asked == Impersonation() else asked


def acting(user: User, asked: Impersonation | None) -> User:
    """Whom the user acts as, itself where nothing is asked.

    Forbidden where it may not, BadRequest for a request that fits no rule.
    """
    if asked is None:
        return user
    name = asked.names[0] if asked.names else ""
    if not user.is_administrator:
        raise Forbidden(
            f'users "{name}" is forbidden: User "{user.name}" cannot impersonate resource "users"'
            ' in API group "" at the cluster scope',
            resource="users",
            name=name,
        )
    if len(asked.names) != 1 or not name:
        raise BadRequest(
            f"impersonation needs exactly one {IMPERSONATE_USER}, got {len(asked.names)}"
        )
    if len(asked.uids) > 1:
        raise BadRequest(f"impersonation takes one {IMPERSONATE_UID}, got {len(asked.uids)}")
    extra: dict[str, tuple[str, ...]] = {}
    for key, value in asked.extra:
        extra[key] = (*extra.get(key, ()), value)
    return User(name, asked.groups, "".join(asked.uids), tuple(extra.items()))
