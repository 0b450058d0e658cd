"""The errors of the API, one tree for every process.

ApiError                      reason        gRPC                 HTTP
├── BadRequest                BadRequest    INVALID_ARGUMENT     400
├── Unauthorized              Unauthorized  UNAUTHENTICATED      401
├── Forbidden                 Forbidden     PERMISSION_DENIED    403
├── NotFound                  NotFound      NOT_FOUND            404
├── AlreadyExists             AlreadyExists ALREADY_EXISTS       409
├── Conflict                  Conflict      ABORTED              409
├── Expired                   Expired       OUT_OF_RANGE         410
├── Invalid                   Invalid       FAILED_PRECONDITION  422   one Cause per field
├── TooLarge                  RequestEntityTooLarge  RESOURCE_EXHAUSTED  413
├── MethodNotAllowed          MethodNotAllowed       UNIMPLEMENTED       405
├── NotAcceptable             NotAcceptable          INVALID_ARGUMENT    406   HTTP only
├── UnsupportedMediaType      UnsupportedMediaType   INVALID_ARGUMENT    415   HTTP only
├── InternalError             InternalError INTERNAL             500
└── Retryable                 (the same call may succeed later, after retry_after_seconds)
    ├── TooManyRequests       TooManyRequests    RESOURCE_EXHAUSTED  429
    ├── ServerTimeout         ServerTimeout      DEADLINE_EXCEEDED   504
    └── ServiceUnavailable    ServiceUnavailable UNAVAILABLE         503

Reasons and HTTP codes are those of Kubernetes' metav1.Status.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Cause:
    """One fault of an object: the JSON path of the field, Kubernetes' reason, what is wrong.

    Reasons: FieldValueRequired, FieldValueInvalid, FieldValueNotSupported,
    FieldValueDuplicate, FieldValueForbidden, FieldValueTooLong, FieldValueTooMany,
    FieldValueNotFound, FieldValueTypeInvalid.
    """

    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class ApiError(Exception):
    """A request that was refused or failed; `message` is for people."""

    reason: ClassVar[str] = "InternalError"

    def __init__(
        self,
        message: str,
        *,
        resource: str = "",
        name: str = "",
        causes: Sequence[Cause] = (),
        retry_after_seconds: int = 0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.resource = resource
        self.name = name
        self.causes = tuple(causes)
        self.retry_after_seconds = retry_after_seconds


class BadRequest(ApiError):
    """The request itself is malformed."""

    reason = "BadRequest"


class Unauthorized(ApiError):
    """The caller did not prove who it is."""

    reason = "Unauthorized"


class Forbidden(ApiError):
    """The caller may not do this."""

    reason = "Forbidden"


class NotFound(ApiError):
    """No such object, or no such kind."""

    reason = "NotFound"


class AlreadyExists(ApiError):
    """An object of that name exists."""

    reason = "AlreadyExists"


class Conflict(ApiError):
    """The object changed since it was read: read again and retry."""

    reason = "Conflict"


class Expired(ApiError):
    """The revision asked for is compacted, or a watcher was too slow: list again.

    `continue_token`: of what is left of a list, as it is now; HTTP only.
    """

    reason = "Expired"

    def __init__(self, message: str, *, continue_token: str = "", **rest: Any) -> None:
        super().__init__(message, **rest)
        self.continue_token = continue_token


class Invalid(ApiError):
    """The object breaks rules; `causes` names each field, value and rule."""

    reason = "Invalid"


class TooLarge(ApiError):
    """The request is larger than the stated limit."""

    reason = "RequestEntityTooLarge"


class MethodNotAllowed(ApiError):
    """The kind does not have that verb or subresource."""

    reason = "MethodNotAllowed"


class NotAcceptable(ApiError):
    """The caller takes no encoding that the server has."""

    reason = "NotAcceptable"


class UnsupportedMediaType(ApiError):
    """The body is in no encoding that the server reads."""

    reason = "UnsupportedMediaType"


class InternalError(ApiError):
    """A broken invariant of the server."""

    reason = "InternalError"


class Retryable(ApiError):
    """The same call may succeed later."""

    reason = "ServiceUnavailable"


class TooManyRequests(Retryable):
    """Over a limit for now."""

    reason = "TooManyRequests"


class ServerTimeout(Retryable):
    """Not finished in time; it may or may not have happened."""

    reason = "ServerTimeout"


class ServiceUnavailable(Retryable):
    """The other side cannot be reached."""

    reason = "ServiceUnavailable"
