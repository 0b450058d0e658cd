"""An object as a patch makes it, in the version that the caller sees it in."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import Message

from master.http.bodies import Decoding
from master.http.served import Served
from pilothouse.client.interface import PatchType
from pilothouse.objects.codec import to_json
from pilothouse.objects.errors import BadRequest, Cause, Invalid
from pilothouse.objects.jsontext import JsonText
from pilothouse.objects.patch import json_patch, merge_patch, strategic_patch

PATCHES: Final = {
    "application/json-patch+json": PatchType.JSON,
    "application/merge-patch+json": PatchType.MERGE,
    "application/strategic-merge-patch+json": PatchType.STRATEGIC,
    "application/apply-patch+yaml": PatchType.APPLY,
}


def patched(
    served: Served, existing: Any, patch: bytes, type_: PatchType, decoding: Decoding
) -> Any:
    """The changed object as it is stored, which the caller may keep.

    BadRequest for a patch that cannot be read, Invalid for one that makes no object of the kind.
    """
    document = to_json(served.outgoing(existing))
    text = JsonText.parse(patch)
    value = changed(document, text.value, type_, served.message)
    kind = served.kind.kind
    try:
        found = decoding.convert(
            served.message, served.group_version, kind, value, text.duplicates()
        )
    except BadRequest as error:
        raise _unfit(error) from error
    return served.incoming(found)


def _unfit(error: BadRequest) -> Invalid:
    """Kubernetes calls a patch invalid whose outcome cannot be read."""
    causes = error.causes or [Cause("patch", "FieldValueInvalid", error.message)]
    return Invalid(f' "" is invalid: patch: Invalid value: {error.message}', causes=causes)


def changed(document: Any, change: Any, type_: PatchType, message: type[Message]) -> Any:
    """The JSON value as the patch makes it; `message` is its schema."""
    match type_:
        case PatchType.JSON:
            return json_patch(document, change)
        case PatchType.MERGE:
            if not isinstance(change, dict):
                raise BadRequest("a merge patch must be an object")
            return merge_patch(document, change)
        case PatchType.STRATEGIC:
            return strategic_patch(document, change, message)
        case PatchType.APPLY:
            raise BadRequest("an apply configuration is no patch of an object")
