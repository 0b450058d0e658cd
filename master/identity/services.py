"""The gRPC faces of enrollment, of join tokens and of access tokens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio

from master.identity.access_tokens import AccessToken, AccessTokens, Wanted
from master.identity.authentication import Authenticate
from master.identity.calls import answering
from master.identity.enrollment import Enrollment, address_of
from master.identity.tokens import TokenRecord, Tokens
from pilothouse.objects.errors import BadRequest, Forbidden
from protos import resources_pb2 as wire
from protos.dispatch_pb2 import EnrollRequest, EnrollResponse
from protos.resources_pb2 import (
    CreateAccessTokenRequest,
    CreateTokenRequest,
    ListAccessTokensRequest,
    ListAccessTokensResponse,
    ListTokensRequest,
    ListTokensResponse,
    RevokeAccessTokenRequest,
    RevokeAccessTokenResponse,
    RevokeTokenRequest,
    RevokeTokenResponse,
    Token,
)
from protos.resources_pb2_grpc import AdministrationServicer

ENROLLMENT = "pilothouse.v1.Enrollment"
READ_SECONDS = 10.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Places:
    """What is told with a token: whom machines dial to join, whom callers with an access token
    dial, and the hash of the CA's key to know them by."""

    join: str
    tokens: str
    pin: str


class EnrollmentService:
    """On the join port, where callers have no certificate.

    To gRPC it is a method that takes a stream, which on the wire is the same: so nothing is read
    of a caller that called too often, and nobody can be waited for long.
    """

    def __init__(self, enrollment: Enrollment) -> None:
        self._enrollment = enrollment

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve on the server, before it is started."""
        methods = {
            "Enroll": grpc.stream_unary_rpc_method_handler(
                self.enroll,
                request_deserializer=EnrollRequest.FromString,
                response_serializer=EnrollResponse.SerializeToString,
            )
        }
        handler = grpc.method_handlers_generic_handler(ENROLLMENT, methods)
        server.add_generic_rpc_handlers((handler,))

    async def enroll(self, requests: AsyncIterator[EnrollRequest], context: Any) -> EnrollResponse:
        """A node's first certificates."""
        async with answering(context):
            peer = address_of(context.peer())
            self._enrollment.admit(peer)
            return await self._enrollment.enroll(await _only(requests), peer)


async def _only(requests: AsyncIterator[EnrollRequest]) -> EnrollRequest:
    try:
        async with asyncio.timeout(READ_SECONDS):
            request = await anext(requests, None)
    except TimeoutError:
        raise BadRequest(f"no request within {READ_SECONDS:.0f} s") from None
    if request is None:
        raise BadRequest("there is no request")
    return request


class AdministrationService(AdministrationServicer):
    """Join tokens and access tokens, for administrators."""

    def __init__(
        self, tokens: Tokens, access: AccessTokens, places: Places, authenticate: Authenticate
    ) -> None:
        self._tokens = tokens
        self._access = access
        self._places = places
        self._authenticate = authenticate

    async def CreateToken(self, request: CreateTokenRequest, context: Any) -> Token:  # noqa: N802
        """A new token, with its secret and the command to join with."""
        async with answering(context):
            user = self._administrator(context)
            record, secret = await self._tokens.create(request.ttl_seconds, request.description)
            logger.info('"%s" made join token %s', user, record.id)
            return self._described(record, secret)

    async def ListTokens(  # noqa: N802
        self, request: ListTokensRequest, context: Any
    ) -> ListTokensResponse:
        """The tokens that can be used, without their secrets."""
        async with answering(context):
            self._administrator(context)
            records = await self._tokens.list()
            return ListTokensResponse(tokens=[self._described(record, "") for record in records])

    async def RevokeToken(  # noqa: N802
        self, request: RevokeTokenRequest, context: Any
    ) -> RevokeTokenResponse:
        """Ends a token before its time."""
        async with answering(context):
            user = self._administrator(context)
            await self._tokens.revoke(request.id)
            logger.info('"%s" revoked join token %s', user, request.id)
            return RevokeTokenResponse()

    async def CreateAccessToken(  # noqa: N802
        self, request: CreateAccessTokenRequest, context: Any
    ) -> wire.AccessToken:
        """A new access token, with its secret and where to use it."""
        async with answering(context):
            by = self._administrator(context)
            wanted = Wanted(
                user=request.user,
                groups=tuple(request.groups),
                administrator=request.administrator,
                ttl_seconds=request.ttl_seconds,
                description=request.description,
            )
            record, token = await self._access.create(wanted, by)
            logger.info('"%s" made access token %s for "%s"', by, record.id, record.user)
            answer = _shown(record)
            answer.token = token
            answer.server = self._places.tokens
            return answer

    async def ListAccessTokens(  # noqa: N802
        self, request: ListAccessTokensRequest, context: Any
    ) -> ListAccessTokensResponse:
        """The access tokens that can be used, without their secrets."""
        async with answering(context):
            self._administrator(context)
            records = await self._access.list()
            return ListAccessTokensResponse(tokens=[_shown(record) for record in records])

    async def RevokeAccessToken(  # noqa: N802
        self, request: RevokeAccessTokenRequest, context: Any
    ) -> RevokeAccessTokenResponse:
        """Refuses its bearer from now on."""
        async with answering(context):
            by = self._administrator(context)
            await self._access.revoke(request.id)
            logger.info('"%s" revoked access token %s', by, request.id)
            return RevokeAccessTokenResponse()

    def _administrator(self, context: Any) -> str:
        user = self._authenticate(context)
        if not user.is_administrator:
            raise Forbidden(f'user "{user.name}" is not an administrator')
        return user.name

    def _described(self, record: TokenRecord, secret: str) -> Token:
        token = Token(
            id=record.id,
            expires_at=record.expires_at,
            description=record.description,
            ca_hash=self._places.pin,
        )
        if secret:
            token.token = secret
            token.join_command = join_command(self._places.join, secret, self._places.pin)
        return token


def join_command(master: str, token: str, pin: str) -> str:
    """What to type on a machine that is to join."""
    return f"pilot-agent join --master {master} --token {token} --ca-hash {pin}"


def _shown(record: AccessToken) -> wire.AccessToken:
    return wire.AccessToken(
        id=record.id,
        user=record.user,
        groups=record.groups,
        expires_at=record.expires_at,
        created_at=record.created_at,
        created_by=record.created_by,
        description=record.description,
    )
