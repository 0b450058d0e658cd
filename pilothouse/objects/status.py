"""The error tree on the wire: ApiError to and from gRPC status, and its HTTP code.

to_grpc is what a server aborts a call with; from_rpc is what a client raises. The whole
error survives the way, up to the size that gRPC's trailers take.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import grpc
from google.protobuf.message import DecodeError

from pilothouse.objects import errors
from pilothouse.objects.errors import ApiError, Cause
from protos.resources_pb2 import ErrorInfo, RpcStatus

TRAILER: Final = "grpc-status-details-bin"
# gRPC refuses trailers beyond 8 KiB by default; the status message travels beside the detail.
MAX_DETAIL_BYTES: Final = 4 * 1024
# In bytes of UTF-8: gRPC writes each that is not of ASCII as three.
MAX_MESSAGE_BYTES: Final = 400

_TYPES: Final[tuple[tuple[type[ApiError], grpc.StatusCode, int], ...]] = (
    (errors.BadRequest, grpc.StatusCode.INVALID_ARGUMENT, 400),
    (errors.Unauthorized, grpc.StatusCode.UNAUTHENTICATED, 401),
    (errors.Forbidden, grpc.StatusCode.PERMISSION_DENIED, 403),
    (errors.NotFound, grpc.StatusCode.NOT_FOUND, 404),
    (errors.AlreadyExists, grpc.StatusCode.ALREADY_EXISTS, 409),
    (errors.Conflict, grpc.StatusCode.ABORTED, 409),
    (errors.Expired, grpc.StatusCode.OUT_OF_RANGE, 410),
    (errors.Invalid, grpc.StatusCode.FAILED_PRECONDITION, 422),
    (errors.TooManyRequests, grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
    (errors.TooLarge, grpc.StatusCode.RESOURCE_EXHAUSTED, 413),
    (errors.MethodNotAllowed, grpc.StatusCode.UNIMPLEMENTED, 405),
    (errors.NotAcceptable, grpc.StatusCode.INVALID_ARGUMENT, 406),
    (errors.UnsupportedMediaType, grpc.StatusCode.INVALID_ARGUMENT, 415),
    (errors.InternalError, grpc.StatusCode.INTERNAL, 500),
    (errors.ServerTimeout, grpc.StatusCode.DEADLINE_EXCEEDED, 504),
    (errors.ServiceUnavailable, grpc.StatusCode.UNAVAILABLE, 503),
)
_CODES: Final = {type_: (code, http) for type_, code, http in _TYPES}
_BY_REASON: Final = {type_.reason: type_ for type_, _, _ in _TYPES}
# Without a detail (gRPC itself failed the call) the first type of a code stands for it.
_BY_CODE: Final = {code: type_ for type_, code, _ in reversed(_TYPES)}
_BY_NUMBER: Final = {code.value[0]: code for code in grpc.StatusCode}


class GrpcStatus(NamedTuple):
    """What a call ends with: `await context.abort(*to_grpc(error))`."""

    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, bytes], ...]


def to_grpc(error: ApiError) -> GrpcStatus:
    """The status of an error, its whole content in the trailer."""
    code, _ = _codes(error)
    message = _cut(error.message)
    status = RpcStatus(code=code.value[0], message=message)
    status.details.add().Pack(_info(error))
    return GrpcStatus(code, message, ((TRAILER, status.SerializeToString()),))


def http_code(error: ApiError) -> int:
    """The HTTP status code of an error."""
    return _codes(error)[1]


def from_rpc(error: grpc.RpcError) -> ApiError:
    """The error that a call ended with; it says what gRPC said where there is no detail."""
    info = _info_in(error.trailing_metadata() or ())
    if info is None:
        return error_of_code(error.code(), error.details() or error.code().name)
    return _BY_REASON.get(info.reason, _type_of(error.code()))(
        info.message,
        resource=info.resource,
        name=info.name,
        causes=[Cause(cause.field, cause.reason, cause.message) for cause in info.causes],
        retry_after_seconds=info.retry_after_seconds,
    )


def error_of_code(code: grpc.StatusCode | int, message: str) -> ApiError:
    """The error that a bare status code (or its number) stands for."""
    if isinstance(code, int):
        code = _BY_NUMBER.get(code, grpc.StatusCode.UNKNOWN)
    return _type_of(code)(message)


def _type_of(code: grpc.StatusCode) -> type[ApiError]:
    if code is grpc.StatusCode.CANCELLED:
        return errors.ServiceUnavailable  # the other side went away before it answered
    return _BY_CODE.get(code, errors.InternalError)


def _codes(error: ApiError) -> tuple[grpc.StatusCode, int]:
    for type_ in type(error).__mro__:
        if type_ in _CODES:
            return _CODES[type_]
    if isinstance(error, errors.Retryable):
        return _CODES[errors.ServiceUnavailable]
    return _CODES[errors.InternalError]


def _cut(text: str, limit: int = MAX_MESSAGE_BYTES) -> str:
    raw = text.encode()
    if len(raw) <= limit:
        return text
    return raw[: limit - len("…".encode())].decode(errors="ignore") + "…"


def _info(error: ApiError) -> ErrorInfo:
    info = ErrorInfo(
        reason=error.reason,
        message=_cut(error.message),
        resource=_cut(error.resource),
        name=_cut(error.name),
        retry_after_seconds=error.retry_after_seconds,
    )
    size = info.ByteSize()
    for index, cause in enumerate(error.causes):
        wire = ErrorInfo.Cause(
            field=_cut(cause.field), reason=cause.reason, message=_cut(cause.message)
        )
        size += wire.ByteSize() + 4
        if size > MAX_DETAIL_BYTES:
            info.causes.add(message=f"and {len(error.causes) - index} more")
            break
        info.causes.append(wire)
    return info


def _info_in(metadata: Iterable[Any]) -> ErrorInfo | None:
    for key, value in metadata:
        if key == TRAILER and isinstance(value, bytes):
            return _unpacked(value)
    return None


def _unpacked(value: bytes) -> ErrorInfo | None:
    info = ErrorInfo()
    try:
        for detail in RpcStatus.FromString(value).details:
            if detail.Unpack(info):
                return info
    except DecodeError:
        return None  # not written by a server of ours: the code and message remain
    return None
