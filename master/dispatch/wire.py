"""Dispatch on a gRPC server.

Registered by hand for one reason: a message that goes to thousands of sessions is serialized
once, so the session's serializer passes bytes through.
"""

from __future__ import annotations

from typing import Final

import grpc
import grpc.aio

from master.dispatch.batches import serialized
from master.dispatch.service import DispatchService
from protos import dispatch_pb2 as dispatch

NAME: Final = "pilothouse.v1.Dispatch"


def add_to(server: grpc.aio.Server, service: DispatchService) -> None:
    """Serve it, before the server is started."""
    methods = {
        "Session": grpc.stream_stream_rpc_method_handler(
            service.Session,
            request_deserializer=dispatch.AgentMessage.FromString,
            response_serializer=serialized,
        ),
        "Tunnel": grpc.stream_stream_rpc_method_handler(
            service.Tunnel,
            request_deserializer=dispatch.TunnelUp.FromString,
            response_serializer=dispatch.TunnelDown.SerializeToString,
        ),
        "Renew": grpc.unary_unary_rpc_method_handler(
            service.Renew,
            request_deserializer=dispatch.RenewRequest.FromString,
            response_serializer=dispatch.RenewResponse.SerializeToString,
        ),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, methods),))
