"""Errors and successes as Kubernetes' Status objects."""

from __future__ import annotations

from typing import Any, Final

from pilothouse.objects import kinds
from pilothouse.objects.errors import ApiError, Expired, Invalid, NotFound, ServerTimeout
from pilothouse.objects.status import http_code
from protos.meta_v1_pb2 import Status

# Ours is the time-out of a request; Kubernetes' ServerTimeout is a 500.
_TIMEOUT: Final = "Timeout"


def failure(error: ApiError) -> Status:
    """The Status of an error."""
    status = Status(
        status="Failure",
        message=error.message,
        reason=_TIMEOUT if isinstance(error, ServerTimeout) else error.reason,
        code=http_code(error),
    )
    _describe(status, error)
    if isinstance(error, Expired) and error.continue_token:
        setattr(status.metadata, "continue", error.continue_token)
    return status


def _describe(status: Any, error: ApiError) -> None:
    details = status.details
    details.SetInParent()
    details.name = error.name
    plural, _, details.group = error.resource.partition(".")
    details.kind = _kind_name(error.resource) if isinstance(error, Invalid) else plural
    details.retry_after_seconds = error.retry_after_seconds
    for cause in error.causes:
        details.causes.add(reason=cause.reason, message=cause.message, field=cause.field)
    if isinstance(error, Expired) and not error.resource:
        status.ClearField("details")


def _kind_name(resource: str) -> str:
    """Kubernetes names the kind, not the resource, of what is invalid."""
    try:
        return kinds.by_resource(resource).kind
    except NotFound:
        return resource.partition(".")[0]


def deleted(name: str, uid: str, resource: str) -> Status:
    """What a delete answers when the object is gone."""
    status = Status(status="Success")
    status.details.name = name
    status.details.uid = uid
    status.details.kind, _, status.details.group = resource.partition(".")
    return status


def success(code: int) -> Status:
    """It is done, and there is nothing more to say."""
    return Status(status="Success", code=code)
