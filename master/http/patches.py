"""An object as a patch makes it, in the version that the caller sees it in."""

from __future__ import annotations

from typing import Any

from master.http.bodies import Decoding
from master.http.catalog import Served
from pilothouse.client.interface import PatchType
from pilothouse.objects.codec import to_json
from pilothouse.objects.errors import BadRequest
from pilothouse.objects.jsontext import JsonText
from pilothouse.objects.patch import json_patch, merge_patch, strategic_patch


def patched(
    served: Served, existing: Any, patch: bytes, type_: PatchType, decoding: Decoding
) -> Any:
    """The changed object as it is stored, which the caller may keep.

    BadRequest or Invalid for a patch that cannot be read or does not fit the object.
    """
    document = to_json(served.outgoing(existing))
    text = JsonText.parse(patch)
    changed = _changed(document, text.value, type_, served)
    kind = served.kind.kind
    found = decoding.convert(served.message, served.group_version, kind, changed, text.duplicates())
    return served.incoming(found)


def _changed(document: Any, change: Any, type_: PatchType, served: Served) -> Any:
    match type_:
        case PatchType.JSON:
            return json_patch(document, change)
        case PatchType.MERGE:
            return merge_patch(document, change)
        case PatchType.STRATEGIC:
            return strategic_patch(document, change, served.message)
        case PatchType.APPLY:
            raise BadRequest("an apply configuration is no patch of an object")
