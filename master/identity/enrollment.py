"""How a machine gets its certificate: with a token at first, with its certificate thereafter.

In: signing requests. Out: certificates for exactly the node's two names, system:node:NAME and
system:netproxy:NAME. A caller with a bad token learns nothing but that it was refused; the log
says why. A token cannot take over the name of a node that is connected or Ready.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from master.identity import ca
from master.identity.rates import RateLimit
from master.identity.tokens import Tokens
from master.identity.user import User, netproxy_user, node_user
from pilothouse.objects import names
from pilothouse.objects.errors import BadRequest, Conflict, Forbidden, TooManyRequests, Unauthorized
from pilothouse.process.clock import Clock
from protos.dispatch_pb2 import EnrollRequest, EnrollResponse

# A certificate's common name has at most 64 characters, and "system:netproxy:" is 16 of them.
MAX_NODE_NAME = 48
CALLS_PER_SECOND = 1.0
CALLS_AT_ONCE = 10
MAX_REQUEST_BYTES = 64 * 1024

logger = logging.getLogger(__name__)


class Signer:
    """The authority as far as nodes need it. `lifetime` is that of their certificates."""

    def __init__(self, authority: ca.Authority, lifetime: timedelta = ca.NODE_LIFETIME) -> None:
        self._authority = authority
        self._lifetime = lifetime

    @property
    def ca(self) -> bytes:
        """The CA certificate (PEM)."""
        return self._authority.pem

    def sign(self, request: bytes, user: User) -> bytes:
        """A certificate for `user`, whom the caller has proven to be; see Authority.sign."""
        return self._authority.sign(request, user, self._lifetime, ca.utc_now())

    def renew(self, request: bytes, user: User) -> bytes:
        """The same for a node or netproxy that renews; Forbidden for anyone else."""
        if not user.node and not user.netproxy:
            raise Forbidden(f'"{user.name}" is neither a node nor a netproxy')
        return self.sign(request, user)


class Enrollment:
    """The decisions of the Enrollment service. `is_live` tells whether a node's name is taken."""

    def __init__(
        self, signer: Signer, tokens: Tokens, is_live: Callable[[str], bool], clock: Clock
    ) -> None:
        self._signer = signer
        self._tokens = tokens
        self._is_live = is_live
        self._clock = clock
        self._limit = RateLimit(CALLS_PER_SECOND, CALLS_AT_ONCE)

    def admit(self, peer: str) -> None:
        """TooManyRequests when this address (without port) has called too often."""
        if not self._limit.take(peer, self._clock.monotonic()):
            raise TooManyRequests("too many attempts to join", retry_after_seconds=2)

    async def enroll(self, request: EnrollRequest, peer: str) -> EnrollResponse:
        """Sign for a new node, whose address was admitted.

        Raises Forbidden (token), BadRequest (size, name, csr), Conflict (live node).
        """
        if request.ByteSize() > MAX_REQUEST_BYTES:
            raise BadRequest(f"{request.ByteSize()} bytes are more than {MAX_REQUEST_BYTES}")
        try:
            record = await self._tokens.check(request.token)
        except Unauthorized as error:
            logger.warning("join of %r from %s refused: %s", request.node_name, peer, error)
            raise Forbidden("the token is not valid") from None
        self._check_name(request.node_name)
        response = self._signed(request)
        logger.info("node %s joins from %s with token %s", request.node_name, peer, record.id)
        return response

    def _check_name(self, name: str) -> None:
        reasons = names.dns1123_subdomain(name)
        if len(name) > MAX_NODE_NAME:
            reasons = [f"must be at most {MAX_NODE_NAME} characters", *reasons]
        if reasons:
            raise BadRequest(f"node_name: Invalid value: {name!r}: {'; '.join(reasons)}")
        if self._is_live(name):
            raise Conflict(
                f'node "{name}" is connected: stop its agent first, or join by another name',
                resource="nodes",
                name=name,
            )

    def _signed(self, request: EnrollRequest) -> EnrollResponse:
        name = request.node_name
        response = EnrollResponse(ca=self._signer.ca)
        response.certificate = self._signer.sign(request.csr, node_user(name))
        if request.netproxy_csr:
            response.netproxy_certificate = self._signer.sign(
                request.netproxy_csr, netproxy_user(name)
            )
        return response


def address_of(peer: Any) -> str:
    """The address in what gRPC calls a peer: "ipv4:127.0.0.1:4242", "ipv6:%5B::1%5D:4242"."""
    text = str(peer)
    return text.rpartition(":")[0] if text.startswith(("ipv4:", "ipv6:")) else text
