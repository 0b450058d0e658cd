"""Who may use the join port: anybody for Enrollment, callers with an access token for the rest.

The port must take large requests from those who have a token, and small ones from anybody. So
whoever has none is refused by the metadata of its call, before a byte of its request is read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio

from master.identity.authentication import CheckToken, token_in
from master.identity.services import ENROLLMENT
from pilothouse.objects.errors import Unauthorized
from pilothouse.objects.status import to_grpc


class Gate(grpc.aio.ServerInterceptor):  # type: ignore[type-arg] # not so at run time
    """See the module. The services authenticate again, for the user."""

    def __init__(self, check: CheckToken) -> None:
        self._check = check

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        """The method's handler, or one that refuses."""
        if handler_call_details.method.startswith(f"/{ENROLLMENT}/"):
            return await continuation(handler_call_details)
        try:
            self._check(token_in(handler_call_details.invocation_metadata or ()))
        except Unauthorized as error:
            return grpc.stream_stream_rpc_method_handler(_refusing(error))
        return await continuation(handler_call_details)


def _refusing(error: Unauthorized) -> Callable[[Any, Any], Awaitable[None]]:
    async def refuse(_requests: Any, context: Any) -> None:
        await context.abort(*to_grpc(error))

    return refuse
