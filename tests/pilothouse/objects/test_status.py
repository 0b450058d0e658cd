import asyncio
from typing import Any

import grpc
import pytest

from pilothouse.objects import errors
from pilothouse.objects.errors import ApiError, Cause
from pilothouse.objects.status import error_of_code, from_rpc, http_code, to_grpc

EVERY_TYPE = [
    errors.BadRequest,
    errors.Unauthorized,
    errors.Forbidden,
    errors.NotFound,
    errors.AlreadyExists,
    errors.Conflict,
    errors.Expired,
    errors.Invalid,
    errors.TooLarge,
    errors.MethodNotAllowed,
    errors.InternalError,
    errors.TooManyRequests,
    errors.ServerTimeout,
    errors.ServiceUnavailable,
]


async def over_the_wire(error: ApiError) -> ApiError:
    """What a client makes of the error that a server ended its call with."""

    async def refuse(_request: bytes, context: Any) -> bytes:
        await context.abort(*to_grpc(error))
        return b""

    handler = grpc.unary_unary_rpc_method_handler(refuse)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t.T", {"Go": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await asyncio.wait_for(channel.unary_unary("/t.T/Go", None, None)(b""), 10)
            return from_rpc(caught.value)
    finally:
        await server.stop(0)


@pytest.mark.parametrize("type_", EVERY_TYPE, ids=lambda type_: type_.__name__)
async def test_error_survives_the_wire_whole(type_: type[ApiError]) -> None:
    error = type_(
        "pods “web” is odd",
        resource="pods",
        name="web",
        causes=[Cause("spec.containers[0].image", "FieldValueRequired", "Required value")],
        retry_after_seconds=7,
    )
    received = await over_the_wire(error)
    assert type(received) is type_
    assert vars(received) == vars(error)


async def test_an_error_of_a_thousand_causes_fits_into_the_trailers() -> None:
    causes = [
        Cause(f"spec.containers[{i}].name", "FieldValueInvalid", "x" * 300) for i in range(1000)
    ]
    received = await over_the_wire(errors.Invalid("m" * 10000, causes=causes))
    assert isinstance(received, errors.Invalid)
    assert received.causes[0] == causes[0]
    assert received.causes[-1].message == f"and {1000 - len(received.causes) + 1} more"


async def test_an_error_of_wide_characters_fits_into_the_trailers() -> None:
    causes = [Cause("é" * 400, "FieldValueInvalid", "漢" * 400) for _ in range(100)]
    received = await over_the_wire(errors.Invalid("漢" * 400, causes=causes))
    assert isinstance(received, errors.Invalid)


def test_a_code_without_detail_is_still_typed() -> None:
    assert isinstance(error_of_code(14, "gone"), errors.ServiceUnavailable)
    assert isinstance(error_of_code(grpc.StatusCode.RESOURCE_EXHAUSTED, ""), errors.TooManyRequests)
    assert isinstance(error_of_code(99, "?"), errors.InternalError)
    assert isinstance(error_of_code(grpc.StatusCode.CANCELLED, ""), errors.Retryable)


def test_http_codes_are_those_of_kubernetes() -> None:
    codes = [http_code(type_("")) for type_ in EVERY_TYPE]
    assert codes == [400, 401, 403, 404, 409, 409, 410, 422, 413, 405, 500, 429, 504, 503]
