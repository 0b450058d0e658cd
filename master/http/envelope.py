"""Kubernetes' protobuf on the wire: the envelope around an object, and lists put together.

Our messages have Kubernetes' field numbers, so an object's bytes go out as they are stored.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.message import DecodeError, Message

from master.api.encoding import varint
from pilothouse.objects.errors import BadRequest
from protos.meta_v1_pb2 import TypeMeta

MAGIC: Final = b"k8s\0"
_FRAME: Final = struct.Struct(">I")


def _tag(number: int) -> bytes:
    return varint(number << 3 | 2)


_ONE: Final = _tag(1)
_TWO: Final = _tag(2)


def enveloped(api_version: str, kind: str, raw: bytes) -> bytes:
    """`Unknown {typeMeta = 1, raw = 2}` behind its four bytes."""
    meta = _field(_ONE, api_version.encode()) + _field(_TWO, kind.encode())
    return MAGIC + _field(_ONE, meta) + _field(_TWO, raw)


def _field(tag: bytes, content: bytes) -> bytes:
    return tag + varint(len(content)) + content


def listed(metadata: Message, items: Iterable[bytes]) -> bytes:
    """Any list message: `metadata = 1`, `items = 2`."""
    head = metadata.SerializeToString()
    parts = [_ONE, varint(len(head)), head]
    for item in items:
        parts += (_TWO, varint(len(item)), item)
    return b"".join(parts)


def frame(type_: str, enveloped_object: bytes) -> bytes:
    """One event of a watch: its length, then `WatchEvent {type = 1, object = 2 {raw = 1}}`."""
    event = _field(_ONE, type_.encode()) + _field(_TWO, _field(_ONE, enveloped_object))
    return _FRAME.pack(len(event)) + event


def opened(body: bytes) -> tuple[str, str, bytes]:
    """apiVersion, kind and the bytes of an enveloped object; BadRequest for anything else."""
    if not body.startswith(MAGIC):
        raise BadRequest(
            "the body is not protobuf as Kubernetes writes it: it must begin with 6b 38 73 00"
        )
    fields = dict(_fields(body[len(MAGIC) :]))
    if fields.get(3):
        raise BadRequest(f"the body's content encoding {fields[3]!r} is not supported")
    try:
        meta: Any = TypeMeta()
        raw = dict(_fields(fields.get(1, b"")))
        meta.api_version, meta.kind = raw.get(1, b"").decode(), raw.get(2, b"").decode()
    except UnicodeDecodeError as error:
        raise BadRequest("the body's envelope names no kind: its text is not UTF-8") from error
    return meta.api_version, meta.kind, fields.get(2, b"")


def _fields(data: bytes) -> Iterable[tuple[int, bytes]]:
    """The length-delimited fields of a message."""
    position = 0
    while position < len(data):
        tag, position = _varint_at(data, position)
        if tag & 7 != 2:
            raise BadRequest("the body's envelope cannot be read")
        size, position = _varint_at(data, position)
        if position + size > len(data):
            raise BadRequest("the body's envelope is cut short")
        yield tag >> 3, data[position : position + size]
        position += size


def _varint_at(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift < 64:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise BadRequest("the body's envelope is cut short")


def decoded(message: type[Message], raw: bytes) -> Any:
    """The message of these bytes; BadRequest where they are none."""
    try:
        return message.FromString(raw)
    except DecodeError as error:
        raise BadRequest(f"the body is not a {message.DESCRIPTOR.name}: {error}") from error
