"""Answers of the Resources service as bytes, framed around objects that are serialized once.

Protobuf's wire format lets a message be put together from the bytes of its parts: a length
in front of an object's bytes makes it a field of Object, of ListResponse or of WatchResponse.
So the object of an event is serialized once for all its watchers, and never copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from master.store.contract import Revision
from pilothouse.client.interface import EventType
from pilothouse.objects import kinds
from protos.resources_pb2 import ListResponse, Object, WatchResponse

_LENGTH_DELIMITED: Final = 2
BATCH_BYTES: Final = 256 * 1024


def varint(value: int) -> bytes:
    """An unsigned number in base 128, least significant group first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def tag(descriptor: Any, field: str, wire_type: int = _LENGTH_DELIMITED) -> bytes:
    """What goes before a value of the field."""
    return varint(descriptor.fields_by_name[field].number << 3 | wire_type)


_OBJECT_TAGS: Final = {kind.message: tag(Object.DESCRIPTOR, kind.field) for kind in kinds.every()}
_ITEM_TAG: Final = tag(ListResponse.DESCRIPTOR, "items")
_TYPE_TAG: Final = tag(WatchResponse.DESCRIPTOR, "type", 0)
_REVISION_TAG: Final = tag(WatchResponse.DESCRIPTOR, "revision", 0)
_MORE_TAG: Final = tag(WatchResponse.DESCRIPTOR, "more")
_WATCHED_TAG: Final = tag(WatchResponse.DESCRIPTOR, "object")
_TYPES: Final = {
    type_: _TYPE_TAG + varint(WatchResponse.Type.Value(type_.value)) for type_ in EventType
}


def framed(obj: Any) -> bytes:
    """The object as a serialized Object."""
    body: bytes = obj.SerializeToString()
    return _OBJECT_TAGS[type(obj)] + varint(len(body)) + body


def listed(objects: Iterable[Any], revision: int, token: str, remaining: int) -> bytes:
    """A serialized ListResponse."""
    head = ListResponse(revision=revision, continue_token=token, remaining=remaining)
    parts = [head.SerializeToString()]
    for obj in objects:
        body = framed(obj)
        parts += (_ITEM_TAG, varint(len(body)), body)
    return b"".join(parts)


def watched(type_: EventType, revision: Revision, framed_object: bytes | None) -> bytes:
    """A serialized WatchResponse; the object as framed() gives it, None in a bookmark."""
    head = _TYPES[type_] + _REVISION_TAG + varint(revision)
    if framed_object is None:
        return head
    return head + _WATCHED_TAG + varint(len(framed_object)) + framed_object


def batched(
    messages: Iterable[bytes], more: bytes = _MORE_TAG, limit: int = BATCH_BYTES
) -> Iterator[bytes]:
    """The messages as fewer, which carry others in the field `more` (its tag; by default that of
    WatchResponse): of at most `limit` bytes, or alone and not copied."""
    parts: list[bytes] = []
    size = 0
    for message in messages:
        if parts and size + len(message) > limit:
            yield b"".join(parts)
            parts, size = [], 0
        # Protobuf's fields may follow in any order, so the first message is simply continued.
        parts += (more, varint(len(message)), message) if parts else (message,)
        size += len(message)
    if parts:
        yield b"".join(parts)
