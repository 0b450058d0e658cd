"""The gRPC service Decisions: why a pod runs where it runs, or does not run."""

from __future__ import annotations

from typing import Any

import grpc.aio

from master.api.calls import Authenticate
from master.api.service import Authorizer
from master.identity.authorization import Action
from master.identity.calls import answering
from master.scheduler.why import Explanation, Why
from pilothouse.objects.errors import BadRequest
from protos.resources_pb2 import WhyRequest, WhyResponse
from protos.resources_pb2_grpc import DecisionsServicer, add_DecisionsServicer_to_server


class DecisionsService(DecisionsServicer):
    """Whoever may read a pod may ask why it is where it is."""

    def __init__(self, why: Why, authenticate: Authenticate, authorizer: Authorizer) -> None:
        self._why = why
        self._authenticate = authenticate
        self._authorizer = authorizer

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve on the server, before it is started."""
        add_DecisionsServicer_to_server(self, server)

    async def Why(self, request: WhyRequest, context: Any) -> WhyResponse:  # noqa: N802
        """Node by node."""
        async with answering(context):
            ref = request.ref
            if ref.resource != "pods":
                raise BadRequest(f"ref.resource: {ref.resource!r}; decisions are kept for pods")
            user = self._authenticate(context)
            self._authorizer.require(user, Action("get", "pods", ref.namespace, ref.name))
            return answer(await self._why.explain(ref.namespace, ref.name))


def answer(explanation: Explanation) -> WhyResponse:
    """The explanation on the wire."""
    response = WhyResponse(
        outcome=explanation.outcome,
        message=explanation.message,
        revision=explanation.revision,
        replayed=explanation.replayed,
    )
    if explanation.decided_at:
        response.decided.last_transition_time.seconds = explanation.decided_at
    for verdict in explanation.verdicts:
        response.nodes.add(
            node=verdict.node,
            chosen=verdict.node == explanation.node,
            feasible=verdict.feasible,
            filter=verdict.filter,
            reason=verdict.reason,
            scores=verdict.scores,
            total=verdict.total,
        )
    return response
