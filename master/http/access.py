"""Who an HTTPS request comes from.

In this order, as in Kubernetes: the client certificate of its connection, which the TLS
handshake has verified against the cluster's CA; an access token, as "Authorization: Bearer" or,
because browsers cannot set that on a WebSocket, as a subprotocol; nobody, who is
system:anonymous. A credential that is sent and not good is refused, never taken for none. Of a
certificate its end is checked with every request, because a connection may outlive it; the rest
is read once a connection.

Administrators act as others by the Impersonate-* headers, under the rules of gRPC (see
master.identity.authentication). Who is authenticated is of system:authenticated.

Not promised: an answer to a certificate of another CA, or one that has ended. These fail in the
handshake.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from aiohttp import web
from cryptography import x509

from master.identity.authentication import (
    CheckToken,
    Peer,
    acting,
    bearer_token,
    impersonation_in,
    peer_from,
    unexpired,
)
from master.identity.user import ANONYMOUS, AUTHENTICATED, CREDENTIAL_ID, User
from pilothouse.objects.errors import Unauthorized

WEBSOCKET_PREFIX: Final = "base64url.bearer.authorization.k8s.io."
MAX_CONNECTIONS: Final = 20_000  # whose certificates are remembered
_PROTOCOLS: Final = "Sec-WebSocket-Protocol"
_IMPERSONATE: Final = "impersonate-"
_REFUSED: Final = "Unauthorized"  # Kubernetes says no more, so that nobody learns what was close


class Authentication:
    """See the module. `check` knows the access tokens."""

    def __init__(self, check: CheckToken, now: Callable[[], float] = time.time) -> None:
        self._check = check
        self._now = now
        self._peers = _Peers()

    def __call__(self, request: web.BaseRequest) -> User:
        """Who the request is made for.

        Raises Unauthorized; Forbidden and BadRequest for undue impersonation.
        """
        headers = request.headers
        try:
            user = self._proven(request)
        except Unauthorized as error:
            raise Unauthorized(_REFUSED) from error
        asked = [
            (name.lower(), value)
            for name, value in headers.items()
            if name[:12].lower() == _IMPERSONATE
        ]
        return completed(acting(user, impersonation_in(asked))) if asked else user

    def _proven(self, request: web.BaseRequest) -> User:
        peer = self._peers.of(request.transport)
        if peer is not None:
            return unexpired(peer, self._now()).user
        token = sent_token(request)
        return ANONYMOUS if token is None else completed(self._check(token))


def completed(user: User) -> User:
    """With the group that says whether the user is known."""
    if user.name == ANONYMOUS.name:
        return ANONYMOUS
    if user.is_anonymous or AUTHENTICATED in user.groups:
        return user
    return replace(user, groups=(*user.groups, AUTHENTICATED))


def sent_token(request: web.BaseRequest) -> str | None:
    """The token that came with the request; Unauthorized where it is not well formed."""
    headers = request.headers
    values = headers.getall("Authorization", ())
    if len(values) > 1:
        raise Unauthorized("more than one authorization")
    if values:
        return bearer_token(values[0])
    if headers.get("Upgrade", "").lower() != "websocket":
        return None
    return websocket_token(subprotocols(request))


def subprotocols(request: web.BaseRequest) -> list[str]:
    """What a WebSocket's client offers, in its order."""
    values = request.headers.getall(_PROTOCOLS, ())
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def without_token(request: web.BaseRequest) -> web.BaseRequest:
    """The request as those may see it who answer, and log, what was offered."""
    if not any(name.startswith(WEBSOCKET_PREFIX) for name in subprotocols(request)):
        return request
    headers = request.headers.copy()
    kept = [name for name in subprotocols(request) if not name.startswith(WEBSOCKET_PREFIX)]
    del headers[_PROTOCOLS]
    if kept:
        headers[_PROTOCOLS] = ", ".join(kept)
    return request.clone(headers=headers)


def websocket_token(offered: Sequence[str]) -> str | None:
    """The token among the subprotocols that are offered.

    There must be one more, for the server to choose: the token is never sent back.
    """
    tokens = [part for part in offered if part.startswith(WEBSOCKET_PREFIX)]
    if not tokens:
        return None
    if len(tokens) > 1 or len(offered) == 1:
        raise Unauthorized("a bearer subprotocol stands beside exactly one or more others")
    encoded = tokens[0].removeprefix(WEBSOCKET_PREFIX)
    try:
        padded = encoded + "=" * (-len(encoded) % 4)
        token = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise Unauthorized("the bearer subprotocol is not base64url") from error
    if not token:
        raise Unauthorized("the bearer subprotocol is empty")
    return token


class _Peers:
    """Whose certificate each connection has, read once.

    Keyed by the identity of what the connection has of the certificate, which is kept alive here,
    so that no other object can have the same.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[int, tuple[object, Peer]] = OrderedDict()

    def of(self, transport: Any) -> Peer | None:
        """None: the connection has no certificate, or is gone."""
        certificate = None if transport is None else transport.get_extra_info("peercert")
        if not certificate:
            return None
        known = self._known.get(id(certificate))
        if known is not None:
            return known[1]
        peer = _read(transport.get_extra_info("ssl_object").getpeercert(binary_form=True))
        self._known[id(certificate)] = (certificate, peer)
        if len(self._known) > MAX_CONNECTIONS:
            self._known.popitem(last=False)
        return peer


def _read(encoded: bytes) -> Peer:
    peer = peer_from(x509.load_der_x509_certificate(encoded))
    fingerprint = f"X509SHA256={hashlib.sha256(encoded).hexdigest()}"
    user = replace(peer.user, extra=((CREDENTIAL_ID, (fingerprint,)),))
    return Peer(completed(user), peer.expires_at)
