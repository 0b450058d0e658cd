"""An object as it stands in the store: decoded once, shared, never changed.

Events and leases are decoded anew each time they are asked for: there are several for every pod
and node, hardly anybody reads them twice, and decoded they take five times the memory.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import Message

from master.store.contract import Entry, Key, Revision
from pilothouse.objects.kinds import Kind
from protos.coordination_v1_pb2 import Lease
from protos.core_v1_pb2 import Event

_PACKED: Final = (Event, Lease)


class Record:
    """`object` carries its resource_version; `size` is that of the stored value in bytes."""

    __slots__ = ("_object", "_packed", "key", "revision", "size")

    def __init__(self, kind: Kind, entry: Entry) -> None:
        self.key: Key = entry.key
        self.revision: Revision = entry.mod_revision
        self.size = len(entry.value)
        self._packed = (kind, entry) if kind.message in _PACKED else None
        # A copy: what protobuf has parsed takes twice the memory, and this is kept for long.
        self._object: Any = None if self._packed else copy_of(_decoded(kind, entry))

    @property
    def object(self) -> Any:
        """Never to be changed."""
        return self._object if self._packed is None else _decoded(*self._packed)


def decode(kind: Kind, entry: Entry) -> Record:
    """The stored entry as a record."""
    return Record(kind, entry)


def _decoded(kind: Kind, entry: Entry) -> Any:
    obj: Any = kind.message.FromString(entry.value)
    obj.metadata.resource_version = str(entry.mod_revision)
    return obj


def encode(obj: Any) -> bytes:
    """The stored value of an object that the caller owns; clears its resource version."""
    obj.metadata.ClearField("resource_version")
    value: bytes = obj.SerializeToString()
    return value


def copy_of(obj: Message) -> Any:
    """A copy that may be changed."""
    copy = type(obj)()
    copy.CopyFrom(obj)
    return copy


def at_revision(obj: Message, revision: int) -> Any:
    """A copy that carries another resource version."""
    copy = copy_of(obj)
    copy.metadata.resource_version = str(revision)
    return copy
