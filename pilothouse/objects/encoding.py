"""Messages to JSON values: one closure per message type, compiled from its descriptor.

There are two encoders of a type. That for values gives nothing but JSON values. That for texts
gives what orjson writes: in it a pod spec is a piece of text, remembered for equal specs.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from typing import Any, cast

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from pilothouse.objects.remembering import remembered
from pilothouse.objects.schema import Member, Shape, Type, is_inline, members
from pilothouse.objects.time import duration_text, micro_time_text, time_text
from protos.core_v1_pb2 import PodSpec

Encode = Callable[[Any], dict[str, Any]]
Convert = Callable[[Any], Any]
Nested = Callable[[Descriptor], Convert]

# Where JSON shows a field that is unset. Message types that are no scalars show their own
# empty object; repeated fields, optional ones and times are null.
_EMPTY = {
    Type.STRING: "",
    Type.BOOLEAN: False,
    Type.INT32: 0,
    Type.INT64: 0,
    Type.NUMBER: 0,
    Type.QUANTITY: "0",
    Type.INT_OR_STRING: 0,
    Type.DURATION: "0s",
}


def encoder(descriptor: Descriptor) -> Encode:
    """The function that turns a message of this type into a JSON object.

    TimeError for a time beyond the year 9999 and ValueError for raw JSON that is none: both can
    only come from a writer of protobuf bytes, and codec.check finds them at the door.
    """
    return _encoder(descriptor, _value)


def text_encoder(descriptor: Descriptor) -> Encode:
    """The same for orjson.dumps alone: pod specs are orjson.Fragment."""
    return _encoder(descriptor, _text)


@cache
def _encoder(descriptor: Descriptor, nested: Nested) -> Encode:
    table: dict[FieldDescriptor, tuple[str, Convert | None]] = {}
    inlined: dict[FieldDescriptor, Encode] = {}
    template: dict[str, Any] = {}
    late: list[tuple[str, Callable[[], Any]]] = []

    def encode(message: Any) -> dict[str, Any]:
        out = template.copy()
        for field, value in message.ListFields():
            name, convert = table[field]
            out[name] = value if convert is None else convert(value)
        for name, default in late:
            if out[name] is None:
                out[name] = default()
        return out

    def encode_with_inlined(message: Any) -> dict[str, Any]:
        out = template.copy()
        for field, value in message.ListFields():
            entry = table.get(field)
            if entry is None:
                out.update(inlined[field](value))
            else:
                name, convert = entry
                out[name] = value if convert is None else convert(value)
        for name, default in late:
            if out[name] is None:
                out[name] = default()
        return out

    for member in members(descriptor).values():
        if not member.within:
            table[member.field] = member.json, _converter(member, nested)
        if member.always:
            template[member.json] = _default(member)
            if _shows_empty_object(member):
                late.append((member.json, _empty_object(cast(Descriptor, member.message), nested)))
    for field in descriptor.fields:
        if is_inline(field):
            inlined[field] = _lazily(cast(Descriptor, field.message_type), nested)
    return encode_with_inlined if inlined else encode


def _default(member: Member) -> Any:
    if member.shape is not Shape.SINGLE or (member.optional and member.message is None):
        return None
    return _EMPTY.get(member.type)


def _shows_empty_object(member: Member) -> bool:
    single = member.shape is Shape.SINGLE and member.type is Type.MESSAGE
    return single and not member.nullable


def _empty_object(descriptor: Descriptor, nested: Nested) -> Callable[[], Any]:
    encode = nested(descriptor)
    empty = GetMessageClass(descriptor)()
    return lambda: encode(empty)


def _lazily(descriptor: Descriptor, nested: Nested) -> Encode:
    """The type's encoder, compiled at first use: types may contain themselves."""
    compiled: list[Encode] = []

    def encode(message: Any) -> dict[str, Any]:
        if not compiled:
            compiled.append(_encoder(descriptor, nested))
        return compiled[0](message)

    return encode


def _value(descriptor: Descriptor) -> Convert:
    return _lazily(descriptor, _value)


def _text(descriptor: Descriptor) -> Convert:
    return _spec_text if descriptor is PodSpec.DESCRIPTOR else _lazily(descriptor, _text)


@remembered
def _spec_text(spec: PodSpec) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(encoder(cast(Descriptor, spec.DESCRIPTOR))(spec)))


def _converter(member: Member, nested: Nested) -> Convert | None:
    one = _value_converter(member, nested)
    if member.shape is Shape.SINGLE:
        return one
    if member.shape is Shape.LIST:
        return list if one is None else lambda values: [one(value) for value in values]
    # Maps have no order on the wire; JSON texts of equal objects are to be equal.
    if one is None:
        # By key: the items of protobuf's maps come through two generators each.
        return lambda values: {key: values[key] for key in sorted(values)}
    return lambda values: {key: one(values[key]) for key in sorted(values)}


def _value_converter(member: Member, nested: Nested) -> Convert | None:
    match member.type:
        case Type.STRING | Type.BOOLEAN | Type.INT32 | Type.INT64:
            return None
        case Type.NUMBER:
            return _number
        case Type.BYTES:
            return lambda value: b64encode(value).decode()
        case Type.QUANTITY:
            return lambda value: value.string or "0"
        case Type.TIME:
            return _nullable_time(time_text) if _is_plain(member) else time_text
        case Type.MICRO_TIME:
            return _nullable_time(micro_time_text) if _is_plain(member) else micro_time_text
        case Type.DURATION:
            return duration_text
        case Type.INT_OR_STRING:
            return lambda value: value.str_val if value.type == 1 else value.int_val
        case Type.RAW | Type.FIELDS | Type.JSON:
            return _raw
        case Type.TRANSPARENT:
            return _transparent(cast(Descriptor, member.message), nested)
        case Type.MESSAGE:
            return nested(cast(Descriptor, member.message))


def _is_plain(member: Member) -> bool:
    return member.always or member.shape is Shape.MAP


def _nullable_time(text: Callable[[Any], str]) -> Convert:
    # A time that is no pointer in Kubernetes has no presence: zero is unset.
    return lambda value: text(value) if value.seconds or value.nanos else None


def _raw(value: Any) -> Any:
    return json.loads(value.raw) if value.raw else None


# Above this Go, and so Kubernetes, writes a number with an exponent.
_PLAIN_NUMBERS = 1e21


def _number(value: float) -> int | float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no JSON number")
    return int(value) if value.is_integer() and abs(value) < _PLAIN_NUMBERS else value


def _transparent(descriptor: Descriptor, nested: Nested) -> Convert:
    """The value of the field that is set: a list, else an object, else the boolean."""
    compiled: list[tuple[Member, Convert | None]] = []

    def convert(message: Any) -> Any:
        if not compiled:  # at first use: types may contain themselves
            compiled.extend((m, _converter(m, nested)) for m in _by_precedence(descriptor))
        value = None
        for member, one in compiled:
            if not _shows(message, member):
                continue
            value = getattr(message, member.name)
            return value if one is None else one(value)
        return value

    return convert


def _by_precedence(descriptor: Descriptor) -> list[Member]:
    def rank(member: Member) -> tuple[bool, bool]:
        return member.shape is not Shape.LIST, member.type is not Type.MESSAGE

    return sorted(members(descriptor).values(), key=rank)


def _shows(message: Any, member: Member) -> bool:
    if member.shape is Shape.LIST:
        return bool(getattr(message, member.name))
    return member.type is Type.BOOLEAN or bool(message.HasField(member.name))
