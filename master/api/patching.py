"""An object as a patch document makes it."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from pilothouse.client.interface import PatchType
from pilothouse.objects.codec import from_json, to_json
from pilothouse.objects.errors import BadRequest
from pilothouse.objects.jsontext import JsonText
from pilothouse.objects.patch import json_patch, merge_patch, strategic_patch

MAX_BYTES = 1024 * 1024


def patched(existing: Message, patch: bytes, type_: PatchType) -> Any:
    """The changed object, which the caller may keep; `existing` is not changed.

    Raises BadRequest or Invalid for a patch that cannot be read or does not fit the object,
    TooLarge for one beyond 1 MiB.
    """
    document = to_json(existing)
    change = JsonText.parse(patch, MAX_BYTES).value
    match type_:
        case PatchType.JSON:
            changed = json_patch(document, change)
        case PatchType.MERGE:
            changed = merge_patch(document, change)
        case PatchType.STRATEGIC:
            changed = strategic_patch(document, change, type(existing))
        case PatchType.APPLY:
            raise BadRequest("an apply configuration is no patch of an object: use Apply")
    return from_json(type(existing), changed)
