"""Who owns what: controller references, adoption and release, as pure questions."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from pilothouse.objects import kinds
from protos.meta_v1_pb2 import OwnerReference


def controller_of(obj: Any) -> OwnerReference | None:
    """The owner reference marked as controller."""
    for owner in obj.metadata.owner_references:
        if owner.controller:
            reference: OwnerReference = owner
            return reference
    return None


def is_controlled_by(obj: Any, uid: str) -> bool:
    """The object's controller is the one with this UID."""
    owner = controller_of(obj)
    return owner is not None and owner.uid == uid


def reference_to(owner: Any) -> OwnerReference:
    """An owner reference that makes `owner` the controller and blocks its foreground deletion."""
    kind = kinds.of(owner)
    return OwnerReference(
        api_version=kind.api_version,
        kind=kind.kind,
        name=owner.metadata.name,
        uid=owner.metadata.uid,
        controller=True,
        block_owner_deletion=True,
    )


def controller_uids(obj: Any) -> list[str]:
    """For an index: the UID of the controller, if any."""
    owner = controller_of(obj)
    return [owner.uid] if owner is not None else []


def copy_of(obj: Message) -> Any:
    """A copy that may be changed; what informers hold must not be."""
    copy = type(obj)()
    copy.CopyFrom(obj)
    return copy
