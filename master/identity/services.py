"""The gRPC faces of enrollment and of join tokens."""

from __future__ import annotations

import logging
from typing import Any

from master.identity.authentication import authenticate
from master.identity.calls import answering
from master.identity.enrollment import Enrollment, address_of
from master.identity.tokens import TokenRecord, Tokens
from pilothouse.objects.errors import Forbidden
from protos.dispatch_pb2 import EnrollRequest, EnrollResponse
from protos.dispatch_pb2_grpc import EnrollmentServicer
from protos.resources_pb2 import (
    CreateTokenRequest,
    ListTokensRequest,
    ListTokensResponse,
    RevokeTokenRequest,
    RevokeTokenResponse,
    Token,
)
from protos.resources_pb2_grpc import AdministrationServicer

logger = logging.getLogger(__name__)


class EnrollmentService(EnrollmentServicer):
    """On the join port, where callers have no certificate."""

    def __init__(self, enrollment: Enrollment) -> None:
        self._enrollment = enrollment

    async def Enroll(self, request: EnrollRequest, context: Any) -> EnrollResponse:  # noqa: N802
        """A node's first certificates."""
        async with answering(context):
            return await self._enrollment.enroll(request, address_of(context.peer()))


class AdministrationService(AdministrationServicer):
    """Join tokens, for administrators. `master` is what machines dial to join."""

    def __init__(self, tokens: Tokens, master: str, pin: str) -> None:
        self._tokens = tokens
        self._master = master
        self._pin = pin

    async def CreateToken(self, request: CreateTokenRequest, context: Any) -> Token:  # noqa: N802
        """A new token, with its secret and the command to join with."""
        async with answering(context):
            user = _administrator(context)
            record, secret = await self._tokens.create(request.ttl_seconds, request.description)
            logger.info('"%s" made join token %s', user, record.id)
            return self._described(record, secret)

    async def ListTokens(  # noqa: N802
        self, request: ListTokensRequest, context: Any
    ) -> ListTokensResponse:
        """The tokens that can be used, without their secrets."""
        async with answering(context):
            _administrator(context)
            records = await self._tokens.list()
            return ListTokensResponse(tokens=[self._described(record, "") for record in records])

    async def RevokeToken(  # noqa: N802
        self, request: RevokeTokenRequest, context: Any
    ) -> RevokeTokenResponse:
        """Ends a token before its time."""
        async with answering(context):
            user = _administrator(context)
            await self._tokens.revoke(request.id)
            logger.info('"%s" revoked join token %s', user, request.id)
            return RevokeTokenResponse()

    def _described(self, record: TokenRecord, secret: str) -> Token:
        token = Token(
            id=record.id,
            expires_at=record.expires_at,
            description=record.description,
            ca_hash=self._pin,
        )
        if secret:
            token.token = secret
            token.join_command = join_command(self._master, secret, self._pin)
        return token


def join_command(master: str, token: str, pin: str) -> str:
    """What to type on a machine that is to join."""
    return f"pilot-agent join --master {master} --token {token} --ca-hash {pin}"


def _administrator(context: Any) -> str:
    user = authenticate(context)
    if not user.is_administrator:
        raise Forbidden(f'user "{user.name}" is not an administrator')
    return user.name
