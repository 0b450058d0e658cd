"""Apply on kubectl's side, where it meets apply on the server's. Pure.

kubectl keeps what it applied last in an annotation of the object. Whoever goes over to apply on
the server owns what stands there, if it is the state of the object still; and while the
annotation is there, it is kept true.
"""

from __future__ import annotations

import json
from typing import Any, Final, cast

from google.protobuf.descriptor import Descriptor

from master.api.apply.comparing import compared
from master.api.apply.documents import Document, canonical, field_set
from master.api.apply.paths import NONE, FieldSet
from master.api.apply.versions import normal
from pilothouse.objects.errors import ApiError
from pilothouse.objects.kinds import Kind

KUBECTL: Final = "kubectl"  # the only manager that this is done for
ANNOTATION: Final = "kubectl.kubernetes.io/last-applied-configuration"


def agreed(live: Document, kind: Kind) -> FieldSet:
    """The fields of what was applied last that the object still has so."""
    text = live["metadata"].get("annotations", {}).get(ANNOTATION)
    last = _document(text, kind) if text else None
    if last is None:
        return NONE
    descriptor = cast(Descriptor, kind.message.DESCRIPTOR)
    found = compared(last, live, descriptor)
    return field_set(last, descriptor) - found.written - found.removed


def _document(text: str, kind: Kind) -> Document | None:
    """None for what is no configuration of that version: anybody may write an annotation."""
    try:
        found: Any = json.loads(text)
        if not isinstance(found, dict) or found.get("apiVersion") != kind.api_version:
            return None
        descriptor = cast(Descriptor, kind.message.DESCRIPTOR)
        return canonical(found, normal(found, kind), descriptor)
    except (ValueError, ApiError):
        return None


def refreshed(obj: Any, config: Document) -> None:
    """Set the annotation to what is applied now, if the object has one."""
    annotations = obj.metadata.annotations
    if annotations.get(ANNOTATION):
        annotations[ANNOTATION] = _text(config)


def _text(config: Document) -> str:
    metadata = config["metadata"]
    if metadata.get("annotations"):
        rest = {k: v for k, v in metadata["annotations"].items() if k != ANNOTATION}
        metadata = {**metadata, "annotations": rest}
    document = {**config, "metadata": metadata}
    return json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"
