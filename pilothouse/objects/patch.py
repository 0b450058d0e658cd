"""The patches of the API on JSON values: JSON patch, merge patch, strategic merge patch.

    patched = strategic_patch(to_json(pod), {"spec": {"hostNetwork": True}}, Pod)
    pod = from_json(Pod, patched)

None changes what goes in. Patches can be made as well: two_way, three_way (kubectl apply).
"""

from __future__ import annotations

from typing import Any

from pilothouse.objects.jsonpatch import json_patch
from pilothouse.objects.strategic import strategic_patch
from pilothouse.objects.threeway import three_way, two_way

__all__ = ["json_patch", "merge_patch", "strategic_patch", "three_way", "two_way"]


def merge_patch(document: Any, patch: Any) -> Any:
    """The document with a JSON merge patch applied (RFC 7386): null removes, objects merge."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result
