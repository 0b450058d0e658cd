"""Messages as JSON sees them, read once from their descriptors and field options.

For core/v1 Volume: members(Volume.DESCRIPTOR)["emptyDir"] is the field empty_dir of the
inlined message volume_source, a single message of type EmptyDirVolumeSource.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from protos import options_pb2

SCALARS = "pilothouse.scalars."


class Shape(Enum):
    """How many values a field holds."""

    SINGLE = "single"
    LIST = "list"
    MAP = "map"


class Type(Enum):
    """What one value of a field is in JSON."""

    STRING = "string"
    BOOLEAN = "boolean"
    INT32 = "int32"
    INT64 = "int64"
    NUMBER = "number"
    BYTES = "bytes"
    QUANTITY = "Quantity"
    TIME = "Time"
    MICRO_TIME = "MicroTime"
    DURATION = "Duration"
    INT_OR_STRING = "IntOrString"
    RAW = "RawExtension"
    FIELDS = "FieldsV1"
    JSON = "JSON"
    TRANSPARENT = "transparent"
    MESSAGE = "message"


_SCALAR_TYPES = {
    FieldDescriptor.TYPE_STRING: Type.STRING,
    FieldDescriptor.TYPE_BOOL: Type.BOOLEAN,
    FieldDescriptor.TYPE_INT32: Type.INT32,
    FieldDescriptor.TYPE_INT64: Type.INT64,
    FieldDescriptor.TYPE_DOUBLE: Type.NUMBER,
    FieldDescriptor.TYPE_BYTES: Type.BYTES,
}


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a message's JSON object.

    `within` are the inlined messages that lead to the field, from the outside. `message` is
    the type of a message's values (of a map's values for a map), None for scalars. A transparent
    message is one value: its members are not members of anything in JSON.
    """

    json: str
    name: str
    within: tuple[str, ...]
    shape: Shape
    type: Type
    message: Descriptor | None
    field: FieldDescriptor
    always: bool
    nullable: bool
    strategies: frozenset[str]
    merge_key: str
    required: bool
    apply_type: str
    apply_keys: tuple[str, ...]

    @property
    def optional(self) -> bool:
        """Whether a zero value is told apart from an unset one."""
        return self.shape is Shape.SINGLE and self.field.has_presence

    @property
    def merges(self) -> bool:
        """Whether a strategic merge patch and apply merge the list by element."""
        return "merge" in self.strategies


@cache
def members(descriptor: Descriptor) -> Mapping[str, Member]:
    """The members of the message's JSON object by JSON name, inlined ones included."""
    return MappingProxyType({m.json: m for m in _members(descriptor, ())})


def _members(descriptor: Descriptor, within: tuple[str, ...]) -> list[Member]:
    found: list[Member] = []
    for field in descriptor.fields:
        if is_inline(field):
            found += _members(cast(Descriptor, field.message_type), (*within, field.name))
        else:
            found.append(_member(field, within))
    return found


def is_inline(field: FieldDescriptor) -> bool:
    """Whether the field's own members stand in its parent's JSON object."""
    return bool(_options(field)[options_pb2.inline])


def _options(descriptor: FieldDescriptor | Descriptor) -> Any:
    # Typed as Any: the stubs tie extensions to messages by a parameter that generated
    # modules leave open.
    return descriptor.GetOptions().Extensions


def _member(field: FieldDescriptor, within: tuple[str, ...]) -> Member:
    options = _options(field)
    shape, value = _shape(field)
    type_ = _type(value)
    return Member(
        json=field.json_name,
        name=field.name,
        within=within,
        shape=shape,
        type=type_,
        message=value.message_type,
        field=field,
        always=options[options_pb2.always],
        nullable=options[options_pb2.nullable],
        strategies=frozenset(filter(None, options[options_pb2.patch_strategy].split(","))),
        merge_key=options[options_pb2.merge_key],
        required=_required(field, shape),
        apply_type=options[options_pb2.apply_type] or _apply_type(field, shape),
        apply_keys=_apply_keys(options),
    )


def _required(field: FieldDescriptor, shape: Shape) -> bool:
    options = _options(field)
    given: Any = field.GetOptions()
    if given.HasExtension(options_pb2.required):
        return bool(options[options_pb2.required])
    shows_empty_object = shape is Shape.SINGLE and field.message_type is not None
    always = options[options_pb2.always]
    return bool(always and (options[options_pb2.nullable] or not shows_empty_object))


def _apply_type(field: FieldDescriptor, shape: Shape) -> str:
    options = _options(field)
    if shape is not Shape.LIST:
        return ""
    if "merge" not in options[options_pb2.patch_strategy].split(","):
        return "atomic"
    return "map" if options[options_pb2.merge_key] else "set"


def _apply_keys(options: Any) -> tuple[str, ...]:
    keys = options[options_pb2.apply_keys] or options[options_pb2.merge_key]
    return tuple(filter(None, keys.split(",")))


def _shape(field: FieldDescriptor) -> tuple[Shape, FieldDescriptor]:
    """The shape, and the field that types its values (of a map's entry for a map)."""
    if not field.is_repeated:
        return Shape.SINGLE, field
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        return Shape.MAP, message.fields_by_name["value"]
    return Shape.LIST, field


def _type(field: FieldDescriptor) -> Type:
    message = field.message_type
    if message is None:
        return _SCALAR_TYPES[field.type]
    if _options(message)[options_pb2.transparent]:
        return Type.TRANSPARENT
    if message.full_name.startswith(SCALARS):
        return Type(message.name)
    return Type.MESSAGE


def is_atomic(descriptor: Descriptor) -> bool:
    """Whether apply replaces objects of this type as one value."""
    options: Any = descriptor.GetOptions()
    return bool(options.Extensions[options_pb2.atomic])


@cache
def api_version(descriptor: Descriptor) -> str:
    """The apiVersion that the message's JSON object begins with, beside its name as kind.

    Empty for what is a part of something else.
    """
    options = _options(descriptor)
    resource = options[options_pb2.resource]
    if not resource.version:
        return str(options[options_pb2.api_version])
    return f"{resource.group}/{resource.version}" if resource.group else str(resource.version)
